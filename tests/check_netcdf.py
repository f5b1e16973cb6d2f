#!/usr/bin/python3
"""Checks that a result file is what the world takes for netCDF-4: check_netcdf.py RESULT.h5

ncdump prints every variable, xarray (by h5netcdf) and h5py read every value, and all three agree that every variable
has named dimensions. Exits 1 with a sentence otherwise.
"""
import os
import subprocess
import sys

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import h5py
import numpy as np
import xarray as xr

SCALES = {"job", "record", "inner_record", "message_length", "state_element"}
BARE = b"This is a netCDF dimension but not a netCDF variable"


def require(truth, sentence):
    if not truth:
        sys.exit(f"check_netcdf: {sentence}")


def ncdump(*arguments):
    done = subprocess.run(["ncdump", *arguments], capture_output=True, text=True, errors="replace")
    require(done.returncode == 0, f"ncdump {' '.join(arguments)} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def is_bare(dataset):
    return dataset.attrs.get("NAME", b"").startswith(BARE)


def check_h5py(path):
    """Names of the variables; reads them all."""
    names = {}
    with h5py.File(path, "r") as file:
        for key, value in file.attrs.items():
            require(value is not None, f"h5py cannot read attribute {key}")
        for name, dataset in file.items():
            require(isinstance(dataset, h5py.Dataset), f"'{name}' is no variable of the root group")
            if is_bare(dataset):
                require(dataset.id.get_storage_size() == 0, f"dimension '{name}' takes room")
                continue
            if not h5py.h5ds.is_scale(dataset.id):
                for i, dimension in enumerate(dataset.dims):
                    require(len(dimension) == 1, f"'{name}': dimension {i} has {len(dimension)} scales, not one")
                    require(dimension[0].shape == (dataset.shape[i],), f"'{name}': scale {i} is of another size")
            dataset[()]
            names[name] = tuple([name] if h5py.h5ds.is_scale(dataset.id)
                                else [d[0].name.lstrip("/") for d in dataset.dims])
            require(set(names[name]) <= SCALES, f"'{name}' has dimensions {names[name]}")
    return names


def check_xarray(path, names):
    with h5py.File(path, "r") as file:
        kinds = {name: file[name].dtype for name in names}
    with xr.open_dataset(path, engine="h5netcdf") as data:
        require(set(data.variables) == set(names), f"xarray sees {set(data.variables) ^ set(names)} otherwise")
        for name, variable in data.variables.items():
            variable.load()
            kind = kinds[name]
            if kind.kind == "S":  # joined along its last dimension
                require(variable.dims == names[name][:-1], f"xarray: '{name}' has {variable.dims}")
                require(all(isinstance(text, str) for text in variable.values.flat), f"xarray: '{name}' is not text")
                continue
            require(variable.dims == names[name], f"xarray: '{name}' has {variable.dims}, not {names[name]}")
            if kind.kind in "iuf":
                require(variable.dtype == kind, f"xarray reads '{name}' as {variable.dtype}, not {kind}")
        if "job" in data.variables:
            require(np.array_equal(data["job"].values, np.arange(data.sizes["job"])), "job is not 0, 1, 2, …")


def check_ncdump(path, names):
    header = ncdump("-h", path)
    require("phony_dim" not in header, "ncdump finds dimensions without names")
    for name, dimensions in names.items():
        declared = f" {name}({', '.join(dimensions)}) ;"
        require(declared in header, f"ncdump -h does not declare '{declared.strip()}'")
        require(f"\n {name} =" in ncdump("-v", name, path), f"ncdump -v {name} prints no values")


def main():
    require(len(sys.argv) == 2, "usage: check_netcdf.py RESULT.h5")
    path = sys.argv[1]
    require(os.path.exists(path), f"there is no '{path}'")
    names = check_h5py(path)
    check_xarray(path, names)
    check_ncdump(path, names)
    print(f"{path}: {len(names)} variables are netCDF-4")


if __name__ == "__main__":
    main()
