"""Colour operations."""

import cv2
import numpy as np

from tones import *


def grayscale(source, p, layout):
    if layout == "Gray8":
        return lambda: source
    if layout == "Rgba8":

        def work():
            grey = cv2.cvtColor(source, cv2.COLOR_RGBA2GRAY)
            return cv2.merge([grey, grey, grey, source[..., 3]])

        return work
    target = np.empty(source.shape[:2], dtype=np.uint8)
    return lambda: cv2.cvtColor(source, cv2.COLOR_RGB2GRAY, dst=target)
