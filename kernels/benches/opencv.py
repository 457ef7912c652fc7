"""Times OpenCV on one thread, on request.

A line on stdin names a case, `operation width height channels rounds`; the answer is the time of
each round in nanoseconds, on one line of stdout.
"""

import sys
import time

try:
    import cv2
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}: run `make tools`")

cv2.setNumThreads(1)
images = {}


def image(width, height, channels):
    """The same picture for every request of that size."""
    key = (width, height, channels)
    if key not in images:
        shape = (height, width) if channels == 1 else (height, width, channels)
        images[key] = np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)
    return images[key]


def operation(name, source):
    """What to time; it writes into memory that it is given, as ours does."""
    if name == "grayscale":
        target = np.empty(source.shape[:2], dtype=np.uint8)
        return lambda: cv2.cvtColor(source, cv2.COLOR_RGB2GRAY, dst=target)
    if name == "blur":
        target = np.empty_like(source)
        return lambda: cv2.GaussianBlur(
            source, (5, 5), 1.0, dst=target, sigmaY=1.0, borderType=cv2.BORDER_REFLECT
        )
    sys.exit(f"unknown operation {name!r}")


print(cv2.__version__, flush=True)
for line in sys.stdin:
    name, *numbers = line.split()
    width, height, channels, rounds = map(int, numbers)
    work = operation(name, image(width, height, channels))
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - start)
    print(*times, flush=True)
