"""Compiles CUDA programs with NVRTC, without a GPU.

Arguments: files, complete as they are. Each is compiled for each architecture, to PTX and to
machine code, several at a time. Prints a line `file arch ptx-version cubin-bytes kernels` for
each, where a kernel is `name:registers:shared bytes:stack bytes` and kernels have commas between
them; fails if one does not compile, or with a warning. With `--folder` prints where NVRTC is.
"""

import ctypes
import glob
import multiprocessing
import os
import pathlib
import re
import sys
import sysconfig

import cubin

ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]


def library_file():
    """The one of the wheel `nvidia-cuda-nvrtc`."""
    where = os.path.join(sysconfig.get_path("purelib"), "nvidia", "**", "libnvrtc.so.*")
    found = [path for path in glob.glob(where, recursive=True) if "alt" not in path]
    if not found:
        sys.exit(f"no NVRTC in {where}: run `make tools`")
    return found[0]


def library():
    """Ready to call."""
    file = library_file()
    # It looks for its built-in headers by name only.
    for builtins in glob.glob(os.path.join(os.path.dirname(file), "libnvrtc-builtins.so.*")):
        ctypes.CDLL(builtins, mode=ctypes.RTLD_GLOBAL)
    nvrtc = ctypes.CDLL(file)
    nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
    return nvrtc


nvrtc = library()


class Failure(Exception):
    """It does not compile."""


def check(code, what, program=None):
    """Raises unless all is well."""
    if code == 0:
        return
    message = nvrtc.nvrtcGetErrorString(code).decode()
    if program is not None:
        message += "\n" + text(program, "ProgramLog").decode()
    raise Failure(f"{what}: {message}")


def text(program, what):
    """The program's log, PTX or machine code."""
    size = ctypes.c_size_t()
    check(getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)), what)
    buffer = ctypes.create_string_buffer(size.value)
    check(getattr(nvrtc, f"nvrtcGet{what}")(program, buffer), what)
    return buffer.raw.rstrip(b"\0") if what != "CUBIN" else buffer.raw


def compile_for(path, target, what):
    """The PTX or the machine code."""
    program = ctypes.c_void_p()
    source = pathlib.Path(path).read_bytes()
    name = os.path.basename(path).encode()
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, name, 0, None, None), path)
    options = [f"--gpu-architecture={target}".encode(), b"--std=c++17", b"--fmad=false"]
    array = (ctypes.c_char_p * len(options))(*options)
    code = nvrtc.nvrtcCompileProgram(program, len(options), array)
    check(code, f"{path} for {target}", program)
    if log := text(program, "ProgramLog").strip():
        raise Failure(f"{path} for {target} compiles with warnings:\n{log.decode()}")
    result = text(program, what)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return result


def line(job):
    """What is printed about a file on an architecture; or why it fails."""
    path, arch = job
    try:
        ptx = compile_for(path, f"compute_{arch}", "PTX").decode()
        machine_code = compile_for(path, f"sm_{arch}", "CUBIN")
    except Failure as failure:
        return failure
    version = re.search(r"^\.version (\S+)$", ptx, re.MULTILINE).group(1)
    kernels = cubin.kernels(machine_code)
    if sorted(kernels) != sorted(re.findall(r"\.visible \.entry (\w+)", ptx)):
        return Failure(f"{path} for {arch}: PTX and machine code have other kernels")
    described = ",".join(
        f"{name}:{kernel['registers']}:{kernel['shared']}:{kernel['stack']}"
        for name, kernel in sorted(kernels.items())
    )
    return f"{os.path.basename(path)} {arch} {version} {len(machine_code)} {described}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--folder"]:
        sys.exit(print(os.path.dirname(library_file())))
    jobs = [(path, arch) for path in sys.argv[1:] for arch in ARCHITECTURES]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        lines = pool.map(line, jobs, chunksize=1)
    failures = [str(one) for one in lines if isinstance(one, Failure)]
    if failures:
        sys.exit("\n".join(failures))
    print("\n".join(lines))
