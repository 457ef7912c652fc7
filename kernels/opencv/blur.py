"""Blurs."""

import cv2
import numpy as np

from common import BORDERS, on_colours, with_border


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


def box_blur(source, p, layout):
    side, border = int(p.get("kernel_size", 5)), BORDERS[p.get("border_mode", "reflect_101")]
    return box(source, (side, side), border)


def box(source, size, border):
    if border == cv2.BORDER_WRAP:
        return with_border(source, max(size) // 2, border, lambda larger: cv2.blur(larger, size))
    target = np.empty_like(source)
    return lambda: cv2.blur(source, size, dst=target, borderType=border)


def median(source, p, layout):
    side, target = int(p.get("kernel_size", 3)), np.empty_like(source)
    return lambda: cv2.medianBlur(source, side, dst=target)


def bilateral(source, p, layout):
    diameter = int(p.get("diameter", 9))
    color, space = float(p.get("sigma_color", 75)), float(p.get("sigma_space", 75))
    border = BORDERS[p.get("border_mode", "reflect_101")]

    def work(source):
        target = np.empty_like(source)
        return lambda: cv2.bilateralFilter(
            source, diameter, color, space, dst=target, borderType=border
        )

    return on_colours(source, work)


def line(length, angle):
    """The kernel of `motion_blur`: points one pixel apart, each shared among four pixels."""
    radius = length // 2
    kernel = np.zeros((length + 1, length + 1))
    sine, cosine = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    for at in range(-radius, radius + 1):
        x, y = at * cosine + radius, -at * sine + radius
        column, row = int(np.floor(x)), int(np.floor(y))
        x, y = x - column, y - row
        shares = np.outer([1 - y, y], [1 - x, x])
        kernel[row : row + 2, column : column + 2] += shares
    return (kernel[:length, :length] / length).astype(np.float32)


def motion_blur(source, p, layout):
    length, angle = int(p.get("length", 15)), float(p.get("angle", 0))
    border = BORDERS[p.get("border_mode", "reflect_101")]
    if angle % 90 == 0:
        return box(source, (length, 1) if angle % 180 == 0 else (1, length), border)
    kernel = line(length, angle)
    if border == cv2.BORDER_WRAP:
        return with_border(
            source, length // 2, border, lambda larger: cv2.filter2D(larger, -1, kernel)
        )
    target = np.empty_like(source)
    return lambda: cv2.filter2D(source, -1, kernel, dst=target, borderType=border)
