"""Sharpening."""

import cv2
import numpy as np

from common import BORDERS, numbers, on_colours, with_border


def bordered(source, p, margin, work):
    """`work(image, border)` on red, green and blue with any border; alpha stays."""
    border = BORDERS[p.get("border_mode", "reflect_101")]
    if border == cv2.BORDER_WRAP:
        # OpenCV's filters do not wrap, but its borders do.
        def wrapped(colours):
            inner = lambda larger: work(larger, cv2.BORDER_REFLECT_101)()
            return with_border(colours, margin, border, inner)

        return on_colours(source, wrapped)
    return on_colours(source, lambda colours: work(colours, border))


def against_blur(source, p, weights):
    """The sum of the image and its blur with those weights, and a number."""
    taps, sigma = int(p.get("kernel_size", 5)), float(p.get("sigma", 1))

    def work(image, border):
        blurred, target = np.empty_like(image), np.empty_like(image)
        own, other, number = weights

        def sharpen():
            cv2.GaussianBlur(
                image, (taps, taps), sigma, dst=blurred, sigmaY=sigma, borderType=border
            )
            return cv2.addWeighted(image, own, blurred, other, number, dst=target)

        return sharpen

    return bordered(source, p, taps // 2, work)


def unsharp_mask(source, p, layout):
    amount = float(p.get("amount", 1))
    return against_blur(source, p, (1 + amount, -amount, 0))


def high_pass(source, p, layout):
    return against_blur(source, p, (1, -1, 128))


def convolution(source, p, layout):
    kernel = np.array(numbers(p.get("kernel", "0 -1 0 -1 5 -1 0 -1 0")), np.float64)
    width = int(p.get("width", 0)) or int(np.sqrt(len(kernel)))
    kernel = kernel.reshape(-1, width)
    divisor = float(p.get("divisor", 0)) or kernel.sum() or 1.0
    kernel, offset = (kernel / divisor).astype(np.float32), float(p.get("offset", 0))

    def work(image, border):
        target = np.empty_like(image)
        return lambda: cv2.filter2D(
            image, -1, kernel, dst=target, delta=offset, borderType=border
        )

    return bordered(source, p, max(kernel.shape) // 2, work)
