"""What the families share."""

import cv2
import numpy as np

BORDERS = {
    "clamp": cv2.BORDER_REPLICATE,
    "replicate": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "reflect_101": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}


def numbers(text):
    """A list of numbers, as parameters have it."""
    return [float(word) for word in text.replace(",", " ").replace(";", " ").split()]


def with_border(source, margin, border, work):
    """`work` on an image that the border was put around, cut back: for borders that OpenCV's
    filters do not have."""
    larger = cv2.copyMakeBorder(source, *[margin] * 4, border)
    height, width = source.shape[:2]
    return lambda: work(larger)[margin : margin + height, margin : margin + width]


def on_colours(source, work):
    """`work` on red, green and blue; alpha stays."""
    if source.ndim < 3 or source.shape[2] < 4:
        return work(source)
    inner = work(np.ascontiguousarray(source[..., :3]))
    return lambda: np.dstack([inner(), source[..., 3]])
