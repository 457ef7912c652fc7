"""Where pixels go."""

import cv2
import numpy as np

from common import BORDERS
from warp import *
from warp import border_value

FLIPS = {"horizontal": 1, "vertical": 0, "both": -1}
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    # Not the same, only for the time it takes.
    "lanczos3": cv2.INTER_LANCZOS4,
}


def _planes(source):
    """Luma and chroma of NV12, whose rows are as long; what is left of an odd width is no luma."""
    height = source.shape[0] * 2 // 3
    while height + (height + 1) // 2 < source.shape[0]:
        height += 1
    return source[:height], source[height:].reshape(-1, source.shape[1] // 2, 2)


def _on_planes(source, width, work):
    """`work` on both planes of NV12 of that width, and the bytes of the result."""
    luma, chroma = _planes(source)
    luma = np.ascontiguousarray(luma[:, :width])

    def run():
        first, second = work(luma, 0)(), work(chroma, 1)()
        rows = np.zeros((first.shape[0], second.shape[1] * 2), np.uint8)
        rows[:, : first.shape[1]] = first
        return np.vstack([rows, second.reshape(second.shape[0], -1)])

    return run


def _nv12_width(p):
    return int(p["image_width"])


def crop(source, p, layout):
    x, y = int(p.get("x", 0)), int(p.get("y", 0))
    width, height = int(p.get("width", 0)), int(p.get("height", 0))

    def one(plane, half):
        across = -(-width // 2) if half else width
        down = -(-height // 2) if half else height
        left, top = (x // 2, y // 2) if half else (x, y)
        part = plane[top : top + down if down else None, left : left + across if across else None]
        target = np.empty_like(part)

        def run():
            # A slice alone copies nothing.
            np.copyto(target, part)
            return target

        return run

    if layout == "Nv12":
        return _on_planes(source, _nv12_width(p), one)
    return one(source, 0)


def pad(source, p, layout):
    top, bottom, left, right = (int(p.get(side, 0)) for side in ("top", "bottom", "left", "right"))
    border = BORDERS[p.get("border_mode", "constant")]
    value = border_value(p.get("color", "#000000"), layout)
    height, width = source.shape[:2]
    target = np.empty((height + top + bottom, width + left + right, *source.shape[2:]), np.uint8)
    return lambda: cv2.copyMakeBorder(
        source, top, bottom, left, right, border, dst=target, value=value
    )


def flip(source, p, layout):
    code = FLIPS[p.get("direction", "horizontal")]

    def one(plane, _):
        target = np.empty_like(plane)
        return lambda: cv2.flip(plane, code, dst=target)

    if layout == "Nv12":
        return _on_planes(source, _nv12_width(p), one)
    return one(source, 0)


def rotate(source, p, layout):
    angle = float(p.get("angle", 90)) % 360
    if angle == 0:
        return lambda: source
    turn = TURNS[angle]
    height, width = source.shape[:2]
    size = (height, width) if angle == 180 else (width, height)
    target = np.empty((*size, *source.shape[2:]), np.uint8)
    return lambda: cv2.rotate(source, turn, dst=target)


def _size(p, width, height):
    across, down = int(p.get("width", 640)), int(p.get("height", 0))
    if across == 0:
        across = max(1, (down * width + height // 2) // height)
    elif down == 0:
        down = max(1, (across * height + width // 2) // width)
    return across, down


def resize(source, p, layout):
    filter = FILTERS[p.get("filter", "bilinear")]

    def to(size):
        def one(plane, half):
            own = tuple(-(-side // 2) for side in size) if half else size
            target = np.empty((own[1], own[0], *plane.shape[2:]), np.uint8)
            return lambda: cv2.resize(plane, own, dst=target, interpolation=filter)

        return one

    if layout == "Nv12":
        width, height = _nv12_width(p), _planes(source)[0].shape[0]
        return _on_planes(source, width, to(_size(p, width, height)))
    height, width = source.shape[:2]
    return to(_size(p, width, height))(source, 0)


def letterbox(source, p, layout):
    height, width = source.shape[:2]
    across, down = int(p.get("width", 640)), int(p.get("height", 640))
    scale = min(across / width, down / height)
    # Halves go up.
    size = [min(max(int(side * scale + 0.5), 1), most) for side, most in ((width, across), (height, down))]
    spare = across - size[0], down - size[1]
    left, top = (spare[0] // 2, spare[1] // 2) if p.get("align", "center") == "center" else (0, 0)
    filter = FILTERS[p.get("filter", "bilinear")]
    value = border_value(p.get("color", "#727272"), layout)
    inner = np.empty((size[1], size[0], *source.shape[2:]), np.uint8)
    target = np.empty((down, across, *source.shape[2:]), np.uint8)

    def run():
        cv2.resize(source, size, dst=inner, interpolation=filter)
        return cv2.copyMakeBorder(
            inner,
            top,
            spare[1] - top,
            left,
            spare[0] - left,
            cv2.BORDER_CONSTANT,
            dst=target,
            value=value,
        )

    return run
