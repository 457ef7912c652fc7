#!/usr/bin/env python3
"""Fails unless the demo wrote complete PNG, JPEG or WebP pictures: .ci/check_demo.py FOLDER"""

import sys
from pathlib import Path

# The first and last bytes of a file of each kind; WebP states its length in its header instead.
ENDS = {
    ".png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
    ".jpg": (b"\xff\xd8\xff", b"\xff\xd9"),
}
# At least one photograph, before and after.
LEAST = 2


def fault(path):
    data = path.read_bytes()
    if path.suffix == ".webp":
        length = int.from_bytes(data[4:8], "little") + 8
        whole = data[:4] == b"RIFF" and data[8:12] == b"WEBP" and length <= len(data)
    else:
        begin, end = ENDS[path.suffix]
        whole = data.startswith(begin) and data.endswith(end)
    return None if whole else f"{path}: not a complete {path.suffix[1:]} file ({len(data)} bytes)"


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder = Path(arguments[0])
    pictures = sorted(p for p in folder.rglob("*") if p.suffix in (*ENDS, ".webp"))
    faults = [text for text in map(fault, pictures) if text]
    if len(pictures) < LEAST:
        faults.append(f"{folder}: {len(pictures)} pictures, at least {LEAST} expected")
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(pictures)} complete pictures in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
