#!/usr/bin/env python3
"""Checks what no other linter does.

- Rust files have at most 500 lines without tests.
- Every top-level folder and every crate has a README of at most 30 lines, and the root README's table
  "Layout" names every top-level folder. The root README may be longer; hidden folders need none.
- Links in Markdown lead to files, and to headings, that exist; source files named in it exist.
- No file is larger than 1 MiB, except the pictures of docs/.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUST_LINES = 500
README_LINES = 30
BYTES = 1 << 20
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg"}

FENCE = re.compile(r"^\s*(```|~~~)")
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]:\s*(\S+)")
REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*:")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$")
# `kernels/src/image.rs` or a shorter end of that path; not `<family>.cu`, which stands for several.
SOURCE = re.compile(r"`([\w./-]+\.(?:rs|cu|cuh|proto|feature))`")


def project_files():
    """Tracked files and new ones that git does not ignore, as paths relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    if listing.returncode != 0:
        sys.exit(f"check_tree: needs a git checkout: {listing.stderr.strip()}")
    names = {Path(name) for name in listing.stdout.split("\0") if name}
    return sorted(name for name in names if (ROOT / name).is_file())


def product_lines(text):
    """Lines before the unit tests, which stand at the end of a file."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        # Indented ones mark single test helpers, not the tail.
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if line.startswith("#[cfg(test)]") and following.startswith("mod tests"):
            return number
    return len(lines)


def check_rust_length(files):
    for path in files:
        if path.suffix != ".rs" or "tests" in path.parts:
            continue
        lines = product_lines((ROOT / path).read_text(encoding="utf-8"))
        if lines > RUST_LINES:
            yield f"{path}: {lines} lines without tests, at most {RUST_LINES} allowed: split it"


def check_readmes(files):
    top = {Path(path.parts[0]) for path in files if len(path.parts) > 1}
    crates = {path.parent for path in files if path.name == "Cargo.toml"}
    for folder in sorted(top | crates):
        if folder == Path(".") or folder.parts[0].startswith("."):
            continue
        readme = folder / "README.md"
        if readme not in files:
            yield f"{folder}/: has no README.md (what is here and why, at most {README_LINES} lines)"
            continue
        lines = len((ROOT / readme).read_text(encoding="utf-8").splitlines())
        if lines > README_LINES:
            yield f"{readme}: {lines} lines, at most {README_LINES} allowed"


def check_layout(files):
    layout = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Layout\n")[2]
    for folder in sorted({path.parts[0] for path in files if len(path.parts) > 1}):
        if not folder.startswith(".") and f"| [{folder}/]({folder}/README.md) |" not in layout:
            yield f"README.md: the table in the section Layout has no row for {folder}/"


def markdown(files):
    """Each Markdown file with its numbered lines, those of code blocks left out."""
    for path in files:
        if path.suffix != ".md":
            continue
        lines, fenced = [], False
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            if FENCE.match(line):
                fenced = not fenced
            elif not fenced:
                lines.append((number, line))
        yield path, lines


def anchor(heading):
    """The fragment by which GitHub links to a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def check_links(files):
    anchors = {
        ROOT / path: {anchor(match[1]) for _, line in lines if (match := HEADING.match(line))}
        for path, lines in markdown(files)
    }
    for path, lines in markdown(files):
        for number, line in lines:
            for match in LINK.finditer(CODE.sub("", line)):
                target = next(group for group in match.groups() if group)
                if REMOTE.match(target):
                    continue
                place, _, fragment = target.partition("#")
                place = place.split("?")[0]
                file = (ROOT / path.parent / place).resolve() if place else ROOT / path
                if not file.exists():
                    yield f"{path}:{number}: dead link {target}"
                elif fragment and fragment not in anchors.get(file, {fragment}):
                    yield f"{path}:{number}: dead link {target}: no such heading"


def check_source_names(files):
    ends = {"/".join(path.parts[start:]) for path in files for start in range(len(path.parts))}
    for path, lines in markdown(files):
        for number, line in lines:
            for name in SOURCE.findall(line):
                if name not in ends:
                    yield f"{path}:{number}: there is no file {name}"


def check_sizes(files):
    for path in files:
        size = (ROOT / path).stat().st_size
        picture = path.parts[0] == "docs" and path.suffix.lower() in PICTURES
        if size > BYTES and not picture:
            yield f"{path}: {size} bytes, at most {BYTES} allowed outside the pictures of docs/"


def main():
    files = project_files()
    checks = (
        check_rust_length, check_readmes, check_layout, check_links, check_source_names, check_sizes,
    )
    faults = [fault for check in checks for fault in check(files)]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(files)} files checked")


if __name__ == "__main__":
    main()
