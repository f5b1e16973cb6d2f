#!/usr/bin/python3
"""No result depends on the processor: check_clones.py WGF_BINARY

The compiler builds the wide loops for several instruction sets (include/wgf/base/wide.h), and the program picks by the
processor. Here copies of the program are made that take the clones of one set each: a jump to that clone is written
over each function that picks, and an instruction that kills the process over the clones of all other sets, so that a
copy that finishes took no other. All copies must give the same bits. Matrix products are those of OpenBLAS, which may
differ by rounding: a part of the reference tests runs with each of its kernels. Sets that the processor lacks are
skipped.
"""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "end_to_end"))

from harness import HANG, OK, Failure, Skip, case, contents, main, require

# Instruction set, the clones that a processor with it takes, and the flags of such a processor.
LEVELS = {"avx512f": (("avx512f",), {"avx512f"}), "avx2": (("avx2", "fma"), {"avx2", "fma"}),
          "default": (("default",), set())}
CORES = {"SkylakeX": {"avx512f", "avx512bw"}, "Zen": {"avx2", "fma"}, "Haswell": {"avx2", "fma"}}
CHECKS = (("check_flow.py", "sse sum"), ("check_flow.py", "all distances"), ("check_jko.py", "exact limit"),
          ("check_jko.py", "n 7, grid 7"))
SPECS = {
    "particles": """\
name: particles
fixed: {n: 33, steps: 12, inner_steps: 8, save: last, record_distances: all, gamma: 0.05, epsilon: 1.0e-5}
sweep: {d: [1, 2, 5], width: [37, 300], method: [gd, prox], metric: [frobenius, wasserstein, sliced, sinkhorn]}
""",
    "kernels": """\
name: kernels
fixed: {n: 40, steps: 300, record_every: 30, save: last, gamma: 0.05, init_scale: 0.5}
sweep: {d: [2, 7], layers: [first, both], loss: [mse, sse], kernel: [auto, dense]}
""",
    "masses": """\
name: masses
fixed: {n: 20, method: jko, steps: 4, save: last, gamma: 0.2, dykstra_steps: 50, init: grid}
sweep: {grid: [17, 32], solver: [newton, dykstra], epsilon: [auto, 0.3], anderson: [0, 3]}
""",
}
CLONE = re.compile(r"^([0-9a-f]+) t (\w+)\.(avx512f|avx2|fma|default|resolver)$", re.MULTILINE)
TRAP = b"\x0f\x0b"


def processor_flags():
    found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return set(found[1].split()) if found else set()


def clones_of(program):
    """For each function that picks a clone: its address, and the address of the clone for each set."""
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    places = [(int(address, 16), name, kind) for address, name, kind in CLONE.findall(symbols)]
    groups = []
    for at, name, kind in places:
        if kind == "resolver":  # two files may have functions of one name: theirs are the nearest clones
            clones = {}
            for place, other, level in places:
                if other == name and level != "resolver":
                    clones[level] = min(clones.get(level, place), place, key=lambda here: abs(here - at))
            groups.append((at, clones))
    return groups


def text_section(image):
    """Address, offset in the file and size of the section .text of a 64-bit ELF file."""
    start, = struct.unpack_from("<Q", image, 40)
    size, count, names = struct.unpack_from("<HHH", image, 58)
    headers = [struct.unpack_from("<IIQQQQ", image, start + size * k) for k in range(count)]
    for name, _, _, address, offset, length in headers:
        if image[headers[names][4] + name:].startswith(b".text\0"):
            return address, offset, length
    raise Failure("the program has no section .text")


def copy_with(program, path, level):
    """Writes a copy that takes the clones of one set; returns how many functions have one."""
    image = bytearray(Path(program).read_bytes())
    address, offset, length = text_section(image)
    groups = clones_of(program)
    wanted = LEVELS[level][0]

    def write(at, code):
        require(address <= at and at + len(code) <= address + length, "a clone is not in .text")
        image[at - address + offset:at - address + offset + len(code)] = code

    for at, clones in groups:
        taken = next((clones[name] for name in wanted if name in clones), clones.get("default"))
        write(at, b"\x48\x8d\x05" + struct.pack("<i", taken - at - 7) + b"\xc3")  # lea rax, [taken]; ret
        for clone in clones.values():
            if clone != taken:
                write(clone, TRAP)
    path.write_bytes(image)
    path.chmod(0o755)
    return len(groups)


@case
def all_clones_give_the_same_bits(wgf):
    if not clones_of(wgf.program):
        raise Skip("this build has no clones")
    for name, text in SPECS.items():
        wgf.write(f"{name}.yaml", text)
    first = None
    for level, (_, flags) in LEVELS.items():
        if not flags <= processor_flags():
            print(f"  {level}: skipped, the processor lacks it")
            continue
        count = copy_with(wgf.program, wgf.path(level), level)
        found = {}
        for name in SPECS:
            done = subprocess.run([wgf.path(level), "run", f"{name}.yaml", "-o", f"{level}-{name}.h5", "--quiet"],
                                  cwd=wgf.folder, capture_output=True, text=True, timeout=HANG, check=False)
            require(done.returncode == OK, f"{name} with {level}: exit code {done.returncode}: {done.stderr.strip()}")
            found |= {f"{variable} of {name}": bits
                      for variable, bits in contents(wgf.path(f"{level}-{name}.h5")).items()}
        first = first or (level, found)
        different = sorted(name for name in found if found[name] != first[1].get(name))
        require(not different, f"{level} and {first[0]} differ in {', '.join(different)}")
        print(f"  {level}: {count} functions, the same bits")


def add_core(core, flags):
    def references(wgf):
        if not flags <= processor_flags():
            raise Skip("the processor lacks what this kernel needs")
        environment = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"}
        for script, pattern in CHECKS:
            done = subprocess.run([sys.executable, "-W", "ignore", HERE / script, wgf.program, pattern], cwd=wgf.folder,
                                  env=environment, capture_output=True, text=True, timeout=HANG, check=False)
            wrong = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("ok"))
            require(done.returncode == 0, f"{script} {pattern}: {wrong}{done.stderr[-1000:]}")
    references.__name__ = f"references_with_the_BLAS_of_{core}"
    case(references)


for core, flags in CORES.items():
    add_core(core, flags)


if __name__ == "__main__":
    main()
