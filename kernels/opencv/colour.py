"""Colour operations."""

import cv2
import numpy as np

from common import numbers, on_colours
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


def invert(source, p, layout):
    target = np.empty_like(source)
    if layout != "Rgba8":
        return lambda: cv2.bitwise_not(source, dst=target)
    return on_colours(source, lambda colours: lambda: cv2.bitwise_not(colours))


def brightness_contrast(source, p, layout):
    alpha, beta = float(p.get("contrast", 1)), float(p.get("brightness", 0))

    def work(colours):
        target = np.empty_like(colours)

        def scale():
            cv2.convertScaleAbs(colours, dst=target, alpha=alpha, beta=beta)
            if beta < 0:
                # Negative results are 0 here, not their absolute value.
                target[colours * alpha + beta < 0] = 0
            return target

        return scale

    return on_colours(source, work)


def gamma(source, p, layout):
    exponent = float(p.get("gamma", 1))

    def work(colours):
        levels = np.arange(256, dtype=np.float64).reshape(1, 256) / 255
        table = cv2.convertScaleAbs(cv2.pow(levels, exponent), alpha=255)
        target = np.empty_like(colours)
        return lambda: cv2.LUT(colours, table, dst=target)

    return on_colours(source, work)


def lut(source, p, layout):
    table = np.array(numbers(p.get("table", "")), np.uint8)
    if table.size == 0:
        return lambda: source
    if table.size == 768:
        table = np.ascontiguousarray(table.reshape(3, 256).T).reshape(1, 256, 3)

    def work(colours):
        target = np.empty_like(colours)
        return lambda: cv2.LUT(colours, table, dst=target)

    return on_colours(source, work)


def _matrix(source, weights):
    matrix = np.array(weights, np.float32)

    def work(colours):
        target = np.empty_like(colours)
        return lambda: cv2.transform(colours, matrix, dst=target)

    return on_colours(source, work)


def color_matrix(source, p, layout):
    identity = "1 0 0 0 0 1 0 0 0 0 1 0"
    return _matrix(source, np.reshape(numbers(p.get("matrix", identity)), (3, 4)))


def sepia(source, p, layout):
    amount = float(p.get("amount", 1))
    brown = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return _matrix(source, (1 - amount) * np.eye(3) + amount * brown)


def saturation_hue(source, p, layout):
    """W3C Filter Effects: feColorMatrix of types saturate and hueRotate."""
    if layout == "Gray8":
        return lambda: source
    factor, angle = float(p.get("saturation", 1)), np.radians(float(p.get("hue", 0)))
    luma = np.tile([0.213, 0.715, 0.072], (3, 1))
    by_sine = [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]]
    hue = luma + np.cos(angle) * (np.eye(3) - luma) + np.sin(angle) * np.array(by_sine)
    return _matrix(source, hue @ (factor * np.eye(3) + (1 - factor) * luma))


THRESHOLDS = {
    "binary": cv2.THRESH_BINARY,
    "binary_inverse": cv2.THRESH_BINARY_INV,
    "truncate": cv2.THRESH_TRUNC,
    "to_zero": cv2.THRESH_TOZERO,
    "to_zero_inverse": cv2.THRESH_TOZERO_INV,
}


def threshold(source, p, layout):
    mode = THRESHOLDS[p.get("mode", "binary")]
    if p.get("method") == "otsu":
        mode |= cv2.THRESH_OTSU
    level, most = float(p.get("threshold", 127)), float(p.get("max_value", 255))

    def work(colours):
        target = np.empty_like(colours)
        return lambda: cv2.threshold(colours, level, most, mode, dst=target)[1]

    return on_colours(source, work)


def white_balance(source, p, layout):
    if layout == "Gray8":
        return lambda: source
    strength = round(float(p.get("strength", 1)) * 256) / 256

    def work(colours):
        target = np.empty_like(colours)

        def balance():
            means = np.array(cv2.mean(colours)[:3])
            gains = means.mean() / np.maximum(means, 1e-9)
            gains = np.where(means > 0, 1 - strength + strength * gains, 1)
            return cv2.transform(colours, np.diag(gains).astype(np.float32), dst=target)

        return balance

    return on_colours(source, work)
