"""Compiles CUDA files with NVRTC, without a GPU.

Arguments: the files. Each is compiled for each architecture, to PTX and to machine code. Prints a
line `file arch ptx-version cubin-bytes` for each; fails at the first that does not compile.
"""

import ctypes
import glob
import os
import pathlib
import re
import sys
import sysconfig

ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]


def library():
    """The one of the wheel `nvidia-cuda-nvrtc`."""
    where = os.path.join(sysconfig.get_path("purelib"), "nvidia", "**", "libnvrtc.so.*")
    found = [path for path in glob.glob(where, recursive=True) if "alt" not in path]
    if not found:
        sys.exit(f"no NVRTC in {where}: run `make tools`")
    # It looks for its built-in headers by name only.
    for builtins in glob.glob(os.path.join(os.path.dirname(found[0]), "libnvrtc-builtins.so.*")):
        ctypes.CDLL(builtins, mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(found[0])


nvrtc = library()
nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p


def check(code, program=None):
    """Ends the script unless all is well."""
    if code == 0:
        return
    message = nvrtc.nvrtcGetErrorString(code).decode()
    if program is not None:
        message += "\n" + text(program, "ProgramLog").decode()
    sys.exit(message)


def text(program, what):
    """The program's log, PTX or machine code."""
    size = ctypes.c_size_t()
    check(getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    check(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer))
    return buffer.raw.rstrip(b"\0") if what != "CUBIN" else buffer.raw


def compile_for(path, target):
    """The compiled program."""
    program = ctypes.c_void_p()
    source = COMMON + pathlib.Path(path).read_bytes()
    name = os.path.basename(path).encode()
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, name, 0, None, None))
    options = [f"--gpu-architecture={target}".encode(), b"--std=c++17", b"--fmad=false"]
    array = (ctypes.c_char_p * len(options))(*options)
    code = nvrtc.nvrtcCompileProgram(program, len(options), array)
    if code:
        print(f"{path} for {target}:", file=sys.stderr)
    check(code, program)
    if log := text(program, "ProgramLog").strip():
        sys.exit(f"{path} for {target} compiles with warnings:\n{log.decode()}")
    return program


COMMON = pathlib.Path(__file__).parents[2].joinpath("cuda/common.cuh").read_bytes()
for path in sys.argv[1:]:
    for arch in ARCHITECTURES:
        ptx = text(compile_for(path, f"compute_{arch}"), "PTX").decode()
        version = re.search(r"^\.version (\S+)$", ptx, re.MULTILINE).group(1)
        kernels = ",".join(sorted(re.findall(r"\.visible \.entry (\w+)", ptx)))
        cubin = text(compile_for(path, f"sm_{arch}"), "CUBIN")
        print(os.path.basename(path), arch, version, kernels, len(cubin))
