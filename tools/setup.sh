#!/usr/bin/env bash
# Finds what wgf needs, and installs what is missing where it may (root or passwordless sudo, and apt). Elsewhere it
# prints what is missing under the names of Debian, Spack and environment modules. Says nothing when all is there.
# shellcheck disable=SC2317  # the checks are called by name, through `need`
set -uo pipefail

usage() {
    cat <<'END'
usage: tools/setup.sh [--run | --system | --test | --bench] [--python]

Finds the dependencies of wgf and installs what is missing with apt where it may; elsewhere lists it and exits 1.

  (no option)  what building wgf and its tests, and drawing figures, needs
  --run        only what a sweep needs; Python, which draws its figure, is then no condition
  --system     what tools/test.sh --system needs
  --test       what tools/test.sh needs
  --bench      also the peers of tools/bench/bench.py
  --python     print the Python that has the packages for figures, or exit 1; install nothing
END
}

# The Python that figures are drawn with: Debian's own before whichever python3 comes first in PATH.
find_python() { # modules...
    local python
    for python in "${WGF_PYTHON:-/usr/bin/python3}" python3; do
        "$python" -c 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))' "$@" \
            2>/dev/null && command -v "$python" && return
    done
    return 1
}

missing_names=() missing_debian=() missing_spack=() missing_modules=()

# need NAME DEBIAN SPACK MODULE CHECK...: runs the check; a failure makes the need a missing one.
need() {
    local name=$1 debian=$2 spack=$3 module=$4
    shift 4
    "$@" >/dev/null 2>&1 && return
    missing_names+=("$name")
    missing_debian+=("$debian")
    missing_spack+=("$spack")
    missing_modules+=("$module")
}

compiler() { command -v "${CC:-cc}" || command -v gcc; }
has_header() { echo "#include <$1>" | "$(compiler)" -E -x c -; }
has_library() { pkg-config --exists "$1"; }
has_program() { command -v "$1"; }
has_builder() { command -v ninja || command -v make; }
has_mpi() { command -v mpicc && command -v mpirun; }
has_file() { [[ $("$(compiler)" -print-file-name="$1") == /* ]]; }
# Its daemons are where an ordinary PATH does not reach.
has_slurm() { PATH=$PATH:/usr/sbin:/sbin command -v slurmctld && PATH=$PATH:/usr/sbin:/sbin command -v munged; }
has_sanitizers() { has_file libasan.so && has_file libubsan.so; }

has_browser() { command -v chromium && command -v chromedriver && find_python selenium; }
is_debian() { grep -qx ID=debian /etc/os-release; }

has_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n ? 0 : 0; }' |
        clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null
}

has_cmake() {
    local version
    version=$(cmake --version | sed -n '1s/[^0-9]*//p')
    printf '3.18\n%s\n' "$version" | sort --version-sort --check=quiet
}

has_parallel_hdf5() { command -v h5pcc || h5cc -showconfig | grep -q 'Parallel HDF5: yes'; }

check_run() {
    need 'C compiler' 'gcc libc6-dev' gcc gcc has_header stdio.h
    need 'CMake 3.18 or later' cmake cmake cmake has_cmake
    need 'make or ninja' make gmake - has_builder
    need pkg-config pkg-config pkgconf - has_program pkg-config
    need 'MPI' 'libopenmpi-dev openmpi-bin' openmpi openmpi has_mpi
    need 'parallel HDF5' libhdf5-openmpi-dev 'hdf5+mpi+hl' 'hdf5 (built with MPI)' has_parallel_hdf5
    need OpenBLAS libopenblas-dev openblas openblas has_library openblas
    need LAPACKE liblapacke-dev netlib-lapack+lapacke openblas has_header lapacke.h
    need libyaml libyaml-dev libyaml libyaml has_library yaml-0.1
    need xxHash libxxhash-dev xxhash xxHash has_library libxxhash
    need cJSON libcjson-dev cjson cJSON has_library libcjson
    need Random123 librandom123-dev random123 - has_header Random123/philox.h
}

# Without it wgf has no flow_solver: adaptive. Debian's package brings those of PETSc and Hypre, some 250 MB on disk.
check_integrator() {
    need 'SUNDIALS 6 or later, with ARKODE' libsundials-dev sundials sundials has_file libsundials_arkode.so
}

check_figures() {
    need 'Python with NumPy, SciPy, h5py, Matplotlib' 'python3-numpy python3-scipy python3-h5py python3-matplotlib' \
        'py-numpy py-scipy py-h5py py-matplotlib' 'python (with scipy, h5py, matplotlib)' \
        find_python numpy scipy h5py matplotlib
}

check_develop() {
    need git git git git has_program git
    need clang-format clang-format llvm clang has_program clang-format
}

check_system() {
    need 'Python with xarray' 'python3-xarray python3-h5netcdf' 'py-xarray py-h5netcdf' 'python (with xarray)' \
        find_python xarray h5netcdf
    need ncdump netcdf-bin netcdf-c netcdf has_program ncdump
    need ps procps procps - has_program ps
}

check_test() {
    need "the compiler's sanitizers" gcc gcc gcc has_sanitizers
    need 'Python with pandas, xarray, SciPy, POT' \
        'python3-pandas python3-xarray python3-h5netcdf python3-scipy python3-pot' \
        'py-pandas py-xarray py-h5netcdf py-scipy py-pot' 'python (with pandas, xarray, scipy, POT)' \
        find_python numpy h5py pandas xarray h5netcdf scipy ot
    need 'Python with xxHash, for the checksums' python3-xxhash py-xxhash 'python (with xxhash)' find_python xxhash
    need 'Python with jsonschema, PyYAML' 'python3-jsonschema python3-yaml' 'py-jsonschema py-pyyaml' \
        'python (with jsonschema, PyYAML)' find_python jsonschema yaml
    need 'Python with nbclient, ipykernel' 'python3-nbclient python3-ipykernel' 'py-nbclient py-ipykernel' \
        'python (with nbclient, ipykernel)' find_python nbclient nbformat ipykernel
    need chattr e2fsprogs e2fsprogs - has_program chattr
    need h5dump hdf5-tools hdf5 hdf5 has_program h5dump
    need 'Slurm, whose tests are skipped without it' 'slurm-wlm munge' slurm+munge - has_slurm
    need 'clang with libFuzzer' 'clang libclang-rt-dev' 'llvm+clang' clang has_fuzzer
    # Where apt brings them in less than a minute; elsewhere the tests of the page and of another Debian are skipped.
    is_debian 2>/dev/null && may_install &&
        need debootstrap debootstrap - - has_program debootstrap &&
        need 'Chromium, its driver, Selenium' 'chromium chromium-driver python3-selenium' - - has_browser
}

check_bench() {
    need 'Python with h5py, SciPy, POT, PyTorch' 'python3-h5py python3-scipy python3-pot python3-torch' \
        'py-h5py py-scipy py-pot py-torch' 'python (with scipy, POT, torch)' find_python numpy h5py scipy ot torch
    need 'Python with mpi4py, Dask' 'python3-mpi4py python3-dask python3-distributed' \
        'py-mpi4py py-dask py-distributed' 'python (with mpi4py, dask)' find_python mpi4py dask distributed
    need 'GNU parallel' parallel parallel parallel has_program parallel
    need hyperfine hyperfine hyperfine hyperfine has_program hyperfine
}

check() { # level
    missing_names=() missing_debian=() missing_spack=() missing_modules=()
    check_run
    check_figures
    [ "$1" = run ] || need cmocka libcmocka-dev cmocka - has_library cmocka
    [ "$1" = run ] || check_integrator
    [[ $1 != @(system|test) ]] || check_system
    [[ $1 == @(run|system) ]] || check_develop
    [ "$1" != test ] || check_test
    [ "$1" != bench ] || check_bench
}

# How to become root: nothing, sudo, or not at all.
as_root=()
may_install() {
    command -v apt-get >/dev/null || return
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=(sudo -n)
}

install_missing() {
    local log apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600)
    log=$(mktemp) || return
    echo "setup: installing ${missing_debian[*]}" >&2
    # shellcheck disable=SC2048,SC2086  # a need may have several packages
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends ${missing_debian[*]}; } \
        >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        echo "setup: apt-get failed; its output is above" >&2
    fi
    rm -f "$log"
}

list_missing() {
    local i row='  %-38s %-54s %-32s %s\n'
    {
        echo 'setup: these are missing and could not be installed from here:'
        # shellcheck disable=SC2059
        printf "$row" '' 'Debian, Ubuntu' Spack 'module (names differ by site)'
        for i in "${!missing_names[@]}"; do
            # shellcheck disable=SC2059
            printf "$row" "${missing_names[i]}" "${missing_debian[i]}" "${missing_spack[i]}" "${missing_modules[i]}"
        done
        echo 'With root: apt-get install, then run this again.'
        echo 'On a cluster: module load or spack load them, or ask its administrators.'
    } >&2
}

# Is all that is missing this one thing, which can be done without?
only_missing() { [ ${#missing_names[@]} -eq 1 ] && [[ ${missing_names[0]} == $1* ]]; }

level='develop'
for argument in "$@"; do
    case $argument in
    --run) level='run' ;;
    --system) level='system' ;;
    --test) level='test' ;;
    --bench) level='bench' ;;
    --python)
        find_python numpy scipy h5py matplotlib
        exit
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "setup: unknown option $argument (tools/setup.sh --help lists them)" >&2
        exit 2
        ;;
    esac
done

check "$level"
[ ${#missing_names[@]} -gt 0 ] || exit 0
if may_install; then
    install_missing
    check "$level"
    [ ${#missing_names[@]} -gt 0 ] || exit 0
fi
[ "$level" = run ] && only_missing Python && exit 0
[ "$level" = test ] && only_missing Slurm && exit 0
[ "$level" = develop ] && only_missing SUNDIALS && exit 0
list_missing
exit 1
