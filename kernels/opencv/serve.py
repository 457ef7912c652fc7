"""What OpenCV makes of images, and how long it takes, on request.

A line on stdin is one request, with tabs between its fields; bytes of the image follow:

    compare FAMILY OPERATION WIDTH HEIGHT FORMAT BYTES [KEY=VALUE...]
    time THREADS CALLS FAMILY OPERATION WIDTH HEIGHT FORMAT BYTES [KEY=VALUE...]

The first is answered with the number of bytes of the result on a line, and the bytes; the second
with the nanoseconds of each call on a line. `FAMILY.py` beside this file has a function for each
operation: `operation(source, parameters, format)` takes an array of height x width [x channels]
and returns a function without arguments that does the work and returns an array. What can be
prepared, and memory for the result, is prepared outside of that function.
"""

import importlib
import sys
import time

try:
    import cv2
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}: run `make tools`")

CHANNELS = {"Gray8": 1, "Rgb8": 3, "Rgba8": 4}
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer


def read_work(fields):
    """The function that does what the fields say."""
    family, operation, width, height, layout, length, *given = fields
    width, height = int(width), int(height)
    data = np.frombuffer(stdin.read(int(length)), np.uint8)
    if layout in CHANNELS:
        channels = CHANNELS[layout]
        source = data.reshape((height, width) if channels == 1 else (height, width, channels))
    else:
        # Planar: luma, and half as many rows below it.
        source = data.reshape(-1, data.size // (height + (height + 1) // 2))
    parameters = dict(pair.split("=", 1) for pair in given if pair)
    # Rows of NV12 are as long as chroma's: they do not say whether the width is odd.
    parameters["image_width"] = width
    return getattr(importlib.import_module(family), operation)(source.copy(), parameters, layout)


def main():
    """Answers until there are no more requests."""
    stdout.write(f"{cv2.__version__}\n".encode())
    stdout.flush()
    while line := stdin.readline().decode().rstrip("\n"):
        mode, *fields = line.split("\t")
        if mode == "compare":
            cv2.setNumThreads(1)
            result = np.ascontiguousarray(read_work(fields)())
            stdout.write(f"{result.nbytes}\n".encode() + result.tobytes())
        else:
            threads, calls, *fields = fields
            cv2.setNumThreads(int(threads))
            work = read_work(fields)
            times = []
            for _ in range(int(calls)):
                start = time.perf_counter_ns()
                work()
                times.append(time.perf_counter_ns() - start)
            stdout.write((" ".join(map(str, times)) + "\n").encode())
        stdout.flush()


main()
