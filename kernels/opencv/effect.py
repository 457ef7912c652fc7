"""Effects."""

import cv2
import numpy as np

from common import BORDERS, on_colours, with_border

RING = [(0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1)]
DIRECTIONS = [
    "top",
    "top_right",
    "right",
    "bottom_right",
    "bottom",
    "bottom_left",
    "left",
    "top_left",
]


def block_means(source, side):
    """The mean of each block, rounded to nearest; the last blocks may be cut."""
    height, width = source.shape[:2]
    if height % side == 0 and width % side == 0:
        return cv2.resize(source, (width // side, height // side), interpolation=cv2.INTER_AREA)
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    sums = np.add.reduceat(np.add.reduceat(source.astype(np.int64), rows, 0), columns, 1)
    down = np.diff(np.append(rows, height))
    across = np.diff(np.append(columns, width))
    area = np.outer(down, across)
    area = area[..., None] if source.ndim == 3 else area
    return ((2 * sums + area) // (2 * area)).astype(np.uint8)


def pixelate(source, p, layout):
    side = int(p.get("block_size", 8))
    height, width = source.shape[:2]
    if height % side == 0 and width % side == 0:
        small, target = (width // side, height // side), np.empty_like(source)

        def work():
            means = cv2.resize(source, small, interpolation=cv2.INTER_AREA)
            return cv2.resize(
                means, (width, height), dst=target, interpolation=cv2.INTER_NEAREST
            )

        return work
    means = block_means(source, side)
    return lambda: np.repeat(np.repeat(means, side, 0), side, 1)[:height, :width]


def emboss_kernel(direction, strength):
    """Robinson's compass mask for light from there."""
    light = DIRECTIONS.index(direction)
    kernel = np.zeros((3, 3), np.float32)
    for turn, weight in ((3, 1), (4, 2), (5, 1)):
        x, y = RING[(light + turn) % 8]
        kernel[1 + y, 1 + x] = weight * strength
        kernel[1 - y, 1 - x] = -weight * strength
    return kernel


def emboss(source, p, layout):
    kernel = emboss_kernel(p.get("direction", "top_left"), int(p.get("strength", 1)))
    border = BORDERS[p.get("border_mode", "reflect_101")]

    def on(colours):
        if border == cv2.BORDER_WRAP:
            # OpenCV's filters do not wrap, but its borders do.
            return with_border(
                colours, 1, border, lambda larger: cv2.filter2D(larger, -1, kernel, delta=128)
            )
        target = np.empty_like(colours)
        return lambda: cv2.filter2D(
            colours, -1, kernel, dst=target, delta=128, borderType=border
        )

    return on_colours(source, on)


def posterize(source, p, layout):
    steps = int(p.get("levels", 4)) - 1
    index = (np.arange(256) * steps * 2 + 255) // 510
    levels = ((index * 510 + steps) // (2 * steps)).astype(np.uint8)

    def on(colours):
        target = np.empty_like(colours)
        return lambda: cv2.LUT(colours, levels, dst=target)

    return on_colours(source, on)


def vignette(source, p, layout):
    strength = float(p.get("strength", 0.5))
    radius, softness = float(p.get("radius", 0.4)), float(p.get("softness", 0.6))
    height, width = source.shape[:2]
    x = 2 * np.arange(width) + 1 - width
    y = 2 * np.arange(height) + 1 - height
    square = (y[:, None] ** 2 + x[None, :] ** 2) / (width**2 + height**2)
    s = np.clip((square - radius**2) / ((radius + softness) ** 2 - radius**2), 0, 1)
    mask = (1 - strength * s * s * (3 - 2 * s)).astype(np.float32)

    def on(colours):
        whole = mask
        if colours.ndim == 3:
            whole = np.repeat(mask[..., None], colours.shape[2], 2)
        target = np.empty_like(colours)
        return lambda: cv2.multiply(colours, whole, dst=target, dtype=cv2.CV_8U)

    return on_colours(source, on)
