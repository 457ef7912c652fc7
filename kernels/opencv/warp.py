"""Images through a matrix."""

import cv2
import numpy as np

from common import BORDERS, numbers

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
}


def border_value(color, layout):
    """A colour in the samples of a pixel; grey as cvtColor has it."""
    text = color.lstrip("#")
    samples = [int(text[at : at + 2], 16) for at in range(0, len(text), 2)]
    samples += [255] * (4 - len(samples))
    if layout != "Gray8":
        return samples
    pixel = np.uint8([[samples[:3]]])
    return [int(cv2.cvtColor(pixel, cv2.COLOR_RGB2GRAY)[0, 0])] * 4


def _warp(function, matrix, source, p, layout):
    height, width = source.shape[:2]
    size = (int(p.get("width", 0)) or width, int(p.get("height", 0)) or height)
    target = np.empty((size[1], size[0], *source.shape[2:]), np.uint8)
    options = {
        "dst": target,
        "flags": FILTERS[p.get("filter", "bilinear")],
        "borderMode": BORDERS[p.get("border_mode", "constant")],
        "borderValue": border_value(p.get("color", "#000000"), layout),
    }
    return lambda: function(source, matrix, size, **options)


def warp_affine(source, p, layout):
    matrix = np.array(numbers(p.get("matrix", "1 0 0 0 1 0"))).reshape(2, 3)
    return _warp(cv2.warpAffine, matrix, source, p, layout)


def warp_perspective(source, p, layout):
    matrix = np.array(numbers(p.get("matrix", "1 0 0 0 1 0 0 0 1"))).reshape(3, 3)
    return _warp(cv2.warpPerspective, matrix, source, p, layout)
