"""Blurs."""

import cv2
import numpy as np

from common import BORDERS, with_border


def blur(source, p, layout):
    taps, sigma = int(p.get("kernel_size", 5)), float(p.get("sigma", 1))
    border = BORDERS[p.get("border_mode", "reflect")]
    if border == cv2.BORDER_WRAP:
        # OpenCV's filters do not wrap, but its borders do.
        return with_border(
            source, taps // 2, border, lambda larger: cv2.GaussianBlur(larger, (taps, taps), sigma)
        )
    target = np.empty_like(source)
    return lambda: cv2.GaussianBlur(
        source, (taps, taps), sigma, dst=target, sigmaY=sigma, borderType=border
    )
