"""Compares our results with OpenCV's, bit for bit.

stdin holds cases one after the other: a line `operation border taps sigma width height channels`,
the input's bytes, and the bytes of our result. Prints how many agree; fails at the first that does
not.
"""

import sys

try:
    import cv2
    import numpy as np
except ImportError as error:
    sys.exit(f"{error}: run `make tools`")

cv2.setNumThreads(1)
BORDERS = {"clamp": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT, "wrap": cv2.BORDER_WRAP}


def expected(operation, border, taps, sigma, source):
    """What OpenCV makes of it."""
    if operation == "grayscale":
        return cv2.cvtColor(source, cv2.COLOR_RGB2GRAY)
    if border == "wrap":
        # OpenCV's filters do not wrap, but its borders do: the same, cut out of a larger image.
        margin = taps // 2
        larger = cv2.copyMakeBorder(source, *[margin] * 4, cv2.BORDER_WRAP)
        blurred = cv2.GaussianBlur(larger, (taps, taps), sigma, borderType=cv2.BORDER_REPLICATE)
        return blurred[margin : margin + source.shape[0], margin : margin + source.shape[1]]
    return cv2.GaussianBlur(source, (taps, taps), sigma, borderType=BORDERS[border])


count = 0
stream = sys.stdin.buffer
while line := stream.readline().decode():
    operation, border, taps, sigma, width, height, channels = line.split()
    taps, width, height, channels = map(int, (taps, width, height, channels))
    shape = (height, width) if channels == 1 else (height, width, channels)
    source = np.frombuffer(stream.read(width * height * channels), np.uint8).reshape(shape)
    theirs = expected(operation, border, taps, float(sigma), source)
    ours = np.frombuffer(stream.read(theirs.size), np.uint8).reshape(theirs.shape)
    different = np.argwhere(ours != theirs)
    if len(different):
        at = tuple(different[0])
        sys.exit(
            f"{line.strip()}: {len(different)} of {theirs.size} samples differ, the first at {at}: "
            f"ours {ours[at]}, OpenCV {theirs[at]}"
        )
    count += 1
print(f"{count} cases agree with OpenCV {cv2.__version__}")
