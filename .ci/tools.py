#!/usr/bin/env python3
"""Installs the pinned tools of this repository into .tools/, without root.

usage: python3 .ci/tools.py [demo|test|ci]     (default: ci; each group contains the one before)

    demo   nats-server, sample photographs
    test   + NVRTC, numpy, OpenCV, nats-py, protobuf, protoc
    ci     + buf, shellcheck

Everything is a wheel named with its hash in .ci/requirements/. What other parts may rely on:

    .tools/bin/      nats-server, python (sees the packages), protoc, buf, shellcheck
    .tools/lib/      libnvrtc.so.13 and its builtins (Linux only)
    .tools/include/  nvrtc.h (Linux only)
    .tools/photos/   photographs and LICENSES.txt
"""

import fcntl
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
PINS = ROOT / ".ci" / "requirements"
VENV = TOOLS / "venv"
# Used in place of the virtual environment where Python cannot create one.
SITE = TOOLS / "site"
STAMPS = TOOLS / "stamps"

GROUPS = ("demo", "test", "ci")
PIN_FILES = {"demo": ("demo.txt", "photos.txt"), "test": ("test.txt",), "ci": ("ci.txt",)}
PROGRAMS = {"demo": ("nats-server",), "test": ("protoc",), "ci": ("buf", "shellcheck")}
LEAST_PYTHON = {"demo": (3, 9), "test": (3, 9), "ci": (3, 10)}

PHOTOS = {
    "astronaut.png": "Eileen Collins. NASA, Great Images in NASA. Public domain.",
    "chelsea.png": "Chelsea the cat. Stefan van der Walt. CC0 1.0.",
    "coffee.png": "A cup of coffee. Rachel Michetti, courtesy of Pikolo Espresso Bar. CC0 1.0.",
    "hubble_deep_field.jpg": "Hubble eXtreme Deep Field. NASA, ESA, HubbleSite. Public domain.",
    "rocket.jpg": "Falcon 9 launches DSCOVR. SpaceX. Public domain.",
}

PIP_OPTIONS = [
    "--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet",
    "--disable-pip-version-check",
]


class Failed(Exception):
    """Ends the run with a text that says what to do."""


def main(arguments):
    group = arguments[0] if arguments else GROUPS[-1]
    if group in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if len(arguments) > 1 or group not in GROUPS:
        raise Failed(f"unknown arguments {' '.join(arguments)!r}; allowed: {', '.join(GROUPS)}")
    wanted = GROUPS[: GROUPS.index(group) + 1]
    check_machine(group)
    if all(is_installed(each) for each in wanted):
        return 0
    TOOLS.mkdir(exist_ok=True)
    with open(TOOLS / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for each in wanted:
            # Asked again under the lock: another run may have done it meanwhile.
            if not is_installed(each):
                install(each)
    return 0


def check_machine(group):
    least = LEAST_PYTHON[group]
    if sys.version_info[:2] < least:
        raise Failed(
            f"group {group!r} needs Python {least[0]}.{least[1]} or newer, this is "
            f"{platform.python_version()} ({sys.executable}); "
            "say which to use with: make PYTHON=python3.12 ..."
        )
    known = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Darwin", "x86_64")}
    here = (platform.system(), platform.machine())
    if here not in known:
        raise Failed(
            f"no pinned tools for {here[0]} {here[1]}; supported: "
            + ", ".join(sorted(" ".join(each) for each in known))
        )


def fingerprint(group):
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in PIN_FILES[group]:
        digest.update((PINS / name).read_bytes())
    # A moved checkout and another interpreter both invalidate what is installed.
    digest.update(repr((str(ROOT), sys.version_info[:2], platform.machine())).encode())
    return digest.hexdigest()


def is_installed(group):
    stamp = STAMPS / group
    return (
        stamp.is_file()
        and stamp.read_text(encoding="ascii") == fingerprint(group)
        and all(os.access(TOOLS / "bin" / name, os.X_OK) for name in PROGRAMS[group])
        and (group != "demo" or all((TOOLS / "photos" / name).is_file() for name in PHOTOS))
    )


def install(group):
    started = time.monotonic()
    print(f"tools: installing group {group} into .tools/ ...", flush=True)
    (STAMPS / group).unlink(missing_ok=True)
    python, target = environment()
    command = [python, "-m", "pip", "install", *PIP_OPTIONS, "-r", str(PINS / f"{group}.txt")]
    if target:
        # One folder per group: pip does not merge bin/ folders of a --target it finds.
        shutil.rmtree(target / group, ignore_errors=True)
        command += ["--target", str(target / group)]
    run_pip(command)
    scripts = target / group / "bin" if target else VENV / "bin"
    for name in PROGRAMS[group]:
        expose_program(name, scripts)
    expose_python(target)
    if group == "demo":
        extract_photos(python)
    if group == "test" and platform.system() == "Linux":
        expose_nvrtc(target)
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / group).write_text(fingerprint(group), encoding="ascii")
    print(f"tools: group {group} ready in {time.monotonic() - started:.1f} s", flush=True)


def environment():
    """The interpreter whose pip installs, and the folder if that is no virtual environment."""
    python = VENV / "bin" / "python"
    if runs_this_python(python):
        return str(python), None
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode == 0 and runs_this_python(python):
        return str(python), None
    shutil.rmtree(VENV, ignore_errors=True)
    if has_pip(sys.executable):
        return sys.executable, SITE
    raise Failed(
        f"{sys.executable} has neither the venv module nor pip; install one of them and repeat:\n"
        "  Debian, Ubuntu:  apt-get install python3-venv\n"
        "  Fedora:          dnf install python3-pip\n"
        "  Alpine:          apk add py3-pip"
    )


def runs_this_python(python):
    """A virtual environment breaks when it is moved, or its interpreter is removed."""
    probe = "import sys, pip; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run(
            [str(python), "-c", probe], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return asked.stdout.strip() == f"{VENV} {sys.version_info[0]}.{sys.version_info[1]}"


def has_pip(python):
    asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


def run_pip(command):
    # Overrules personal settings that contradict --target, and a warning that does not apply.
    settings = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, env={**os.environ, **settings}, check=False)
    if done.returncode != 0:
        raise Failed(
            "pip could not install the pinned packages (its message is above).\n"
            "  no network or proxy:     pip needs its package index; set PIP_INDEX_URL for a mirror\n"
            "  'No matching distribution': no wheel for this platform and Python "
            f"({platform.system()} {platform.machine()}, {platform.python_version()})\n"
            "  'hashes do not match':   the download is not the pinned file; do not go on"
        )


def expose_program(name, scripts):
    program = scripts / name
    if not program.exists():
        raise Failed(f"the wheel brought no {name} at {program.relative_to(ROOT)}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    link(TOOLS / "bin" / name, program)


def expose_python(target):
    if target:
        folders = os.pathsep.join(str(target / group) for group in GROUPS)
        script = (
            f'export PYTHONPATH="{folders}${{PYTHONPATH:+:$PYTHONPATH}}"\n'
            f'exec "{sys.executable}" "$@"'
        )
    else:
        # A link would not do: a virtual environment is recognised by where python was started.
        script = f'exec "{VENV}/bin/python" "$@"'
    write_script(TOOLS / "bin" / "python", script)


def expose_nvrtc(target):
    base = target / "test" if target else Path(site_packages())
    found = sorted((base / "nvidia" / "cu13" / "lib").glob("libnvrtc*.so.*"))
    if not found:
        raise Failed(f"the NVRTC wheel brought no libnvrtc under {base}")
    for library in found:
        link(TOOLS / "lib" / library.name, library)
    link(TOOLS / "include" / "nvrtc.h", base / "nvidia" / "cu13" / "include" / "nvrtc.h")


def site_packages():
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.check_output([str(VENV / "bin" / "python"), "-c", ask], text=True).strip()


def extract_photos(python):
    with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
        # Fixed tags, not this machine's: see photos.txt.
        run_pip([
            python, "-m", "pip", "download", *PIP_OPTIONS, "-r", str(PINS / "photos.txt"),
            "--platform", "win_amd64", "--implementation", "cp", "--python-version", "3.12",
            "--abi", "cp312", "--dest", folder,
        ])
        (wheel,) = Path(folder).glob("*.whl")
        photos = TOOLS / "photos"
        photos.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in PHOTOS:
                (photos / name).write_bytes(archive.read(f"skimage/data/{name}"))
        lines = [f"{name}: {licence}\n" for name, licence in sorted(PHOTOS.items())]
        (photos / "LICENSES.txt").write_text(
            f"Sample photographs, taken unchanged from {wheel.name}.\n\n" + "".join(lines),
            encoding="utf-8",
        )


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(target, path.parent))
    # Renamed into place, so that a test which runs meanwhile always finds a whole one.
    fresh.replace(path)


def write_script(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(path)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as failure:
        sys.exit(f"tools: {failure}")
