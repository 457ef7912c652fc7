"""Morphology."""

import cv2
import numpy as np

from common import BORDERS, with_border

SHAPES = {"rect": cv2.MORPH_RECT, "cross": cv2.MORPH_CROSS, "ellipse": cv2.MORPH_ELLIPSE}


def _operation(kind, steps):
    def operation(source, p, layout):
        size, times = int(p.get("kernel_size", 3)), int(p.get("iterations", 1))
        element = cv2.getStructuringElement(SHAPES[p.get("shape", "rect")], (size, size))
        border = p.get("border_mode", "ignore")
        if border == "wrap":
            # OpenCV's filters do not wrap, but its borders do.
            return with_border(
                source,
                steps * times * (size // 2),
                cv2.BORDER_WRAP,
                lambda larger: cv2.morphologyEx(larger, kind, element, iterations=times),
            )
        target = np.empty_like(source)
        if border == "ignore":
            return lambda: cv2.morphologyEx(source, kind, element, dst=target, iterations=times)
        return lambda: cv2.morphologyEx(
            source,
            kind,
            element,
            dst=target,
            iterations=times,
            borderType=BORDERS[border],
            borderValue=(0, 0, 0, 0),
        )

    return operation


erode = _operation(cv2.MORPH_ERODE, 1)
dilate = _operation(cv2.MORPH_DILATE, 1)
open = _operation(cv2.MORPH_OPEN, 2)
close = _operation(cv2.MORPH_CLOSE, 2)
gradient = _operation(cv2.MORPH_GRADIENT, 1)
top_hat = _operation(cv2.MORPH_TOPHAT, 2)
black_hat = _operation(cv2.MORPH_BLACKHAT, 2)
