"""Colour operations that look at the whole image, or change its layout."""

import cv2
import numpy as np

TO_RGB = {
    "bgr": cv2.COLOR_BGR2RGB,
    "gray": cv2.COLOR_GRAY2RGB,
    "hsv": cv2.COLOR_HSV2RGB,
    "hsv_full": cv2.COLOR_HSV2RGB_FULL,
    "lab": cv2.COLOR_LAB2RGB,
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "i420": cv2.COLOR_YUV2RGB_I420,
}
FROM_RGB = {
    "bgr": cv2.COLOR_RGB2BGR,
    "gray": cv2.COLOR_RGB2GRAY,
    "hsv": cv2.COLOR_RGB2HSV,
    "hsv_full": cv2.COLOR_RGB2HSV_FULL,
    "lab": cv2.COLOR_RGB2LAB,
    "i420": cv2.COLOR_RGB2YUV_I420,
}


def _to_rgb(source, space):
    if space == "rgb":
        return source
    if space == "ycbcr":
        # Ours has Cb first.
        return cv2.cvtColor(np.ascontiguousarray(source[..., [0, 2, 1]]), cv2.COLOR_YCrCb2RGB)
    return cv2.cvtColor(source, TO_RGB[space])


def _from_rgb(rgb, space):
    if space == "rgb":
        return rgb
    if space == "ycbcr":
        return cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    if space == "nv12":
        height, width = rgb.shape[:2]
        planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).reshape(-1)
        luma, chroma = planes[: width * height], planes[width * height :]
        return np.concatenate([luma, chroma.reshape(2, -1).T.reshape(-1)])
    return cv2.cvtColor(rgb, FROM_RGB[space])


def color_convert(source, p, layout):
    auto = {"Gray8": "gray", "Nv12": "nv12", "I420": "i420"}.get(layout, "rgb")
    given, to = p.get("from", "auto"), p.get("to", "rgb")
    space = auto if given == "auto" else given
    alpha = source[..., 3:] if layout == "Rgba8" else None
    colours = np.ascontiguousarray(source[..., :3]) if layout == "Rgba8" else source
    direct = None
    if alpha is None and space == "rgb":
        direct = FROM_RGB.get(to)
    elif alpha is None and to == "rgb":
        direct = TO_RGB.get(space)
    elif layout == "Nv12" and to == "gray":
        # Not the same: it leaves luma in limited range.
        direct = cv2.COLOR_YUV2GRAY_NV12
    if direct is not None:
        target = cv2.cvtColor(source, direct)
        return lambda: cv2.cvtColor(source, direct, dst=target)
    if alpha is None and {space, to} == {"rgb", "ycbcr"}:
        return _ycbcr(source, to)

    if space == to:
        return lambda: source

    def work():
        result = _from_rgb(_to_rgb(colours, space), to)
        return result if alpha is None or result.ndim < 3 else np.dstack([result, alpha])

    return work


class _Swapped:
    """An array whose last two channels change places once it is looked at: OpenCV has Cr before
    Cb, and the time that this takes is not OpenCV's."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.ascontiguousarray(self.array[..., [0, 2, 1]])


def _ycbcr(source, to):
    target = np.empty_like(source)
    if to == "ycbcr":
        return lambda: _Swapped(cv2.cvtColor(source, cv2.COLOR_RGB2YCrCb, dst=target))
    ycrcb = np.ascontiguousarray(source[..., [0, 2, 1]])
    return lambda: cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB, dst=target)


def equalize(source, p, layout):
    if layout == "Gray8":
        target = np.empty_like(source)
        return lambda: cv2.equalizeHist(source, dst=target)
    return _on_luma(source, cv2.equalizeHist)


def clahe(source, p, layout):
    tiles = int(p.get("tiles_x", 8)), int(p.get("tiles_y", 8))
    equaliser = cv2.createCLAHE(float(p.get("clip_limit", 2)), tiles)
    if layout == "Gray8":
        target = np.empty_like(source)
        return lambda: equaliser.apply(source, dst=target)
    return _on_luma(source, equaliser.apply)


def _on_luma(source, work):
    """`work` on the luma of colours; alpha stays."""
    alpha = source[..., 3:] if source.shape[2] == 4 else None
    colours = np.ascontiguousarray(source[..., :3])
    ycrcb, target = np.empty_like(colours), np.empty_like(colours)
    luma, result = np.empty(source.shape[:2], np.uint8), np.empty(source.shape[:2], np.uint8)

    def run():
        cv2.cvtColor(colours, cv2.COLOR_RGB2YCrCb, dst=ycrcb)
        cv2.extractChannel(ycrcb, 0, dst=luma)
        work(luma, dst=result)
        cv2.insertChannel(result, ycrcb, 0)
        cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB, dst=target)
        return target if alpha is None else np.dstack([target, alpha])

    return run


def adaptive_threshold(source, p, layout):
    methods = {"mean": cv2.ADAPTIVE_THRESH_MEAN_C, "gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C}
    method = methods[p.get("method", "mean")]
    inverse = p.get("mode", "binary") == "binary_inverse"
    kind = cv2.THRESH_BINARY_INV if inverse else cv2.THRESH_BINARY
    size, c = int(p.get("block_size", 11)), float(p.get("c", 2))
    most = float(p.get("max_value", 255))
    target = np.empty_like(source)
    return lambda: cv2.adaptiveThreshold(source, most, method, kind, size, c, dst=target)
