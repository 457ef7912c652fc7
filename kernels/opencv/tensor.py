"""Inputs of models, and counts."""

import cv2
import numpy as np

from common import numbers

PLANAR = {"Nv12": cv2.COLOR_YUV2RGB_NV12, "I420": cv2.COLOR_YUV2RGB_I420}
FILTERS = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST}


def _gray(color):
    return int(cv2.cvtColor(np.uint8([[color]]), cv2.COLOR_RGB2GRAY)[0, 0])


def _sides(source, size, scale):
    """Width and height after scaling: to the nearest pixel, halves up, at least 1."""
    return [max(1, int(source[at] * scale + 0.5)) for at in (0, 1)]


def _read(source, layout):
    """The function that makes interleaved pixels of planes, and the shape of what it makes."""
    if layout not in PLANAR:
        return lambda: source, source.shape
    target = cv2.cvtColor(source, PLANAR[layout])
    return lambda: cv2.cvtColor(source, PLANAR[layout], dst=target), target.shape


def _fit(read, shape, p):
    """The function that makes the image that the tensor is made of."""
    height, width = shape[:2]
    size = (int(p.get("width", 0)) or width, int(p.get("height", 0)) or height)
    filter_ = FILTERS[p.get("filter", "bilinear")]
    ratios = (size[0] / width, size[1] / height)
    fit = p.get("fit", "stretch")
    if fit == "stretch":
        if size == (width, height):
            return read
        return lambda: cv2.resize(read(), size, interpolation=filter_)
    if fit == "center_crop":
        inner = [max(a, b) for a, b in zip(_sides((width, height), size, max(ratios)), size)]
        left, top = (inner[0] - size[0]) // 2, (inner[1] - size[1]) // 2

        def crop():
            whole = cv2.resize(read(), inner, interpolation=filter_)
            return whole[top : top + size[1], left : left + size[0]]

        return crop
    text = p.get("color", "#727272").lstrip("#")
    color = [int(text[at : at + 2], 16) for at in (0, 2, 4)]
    color = [_gray(color)] if len(shape) < 3 else color + [255]
    inner = _sides((width, height), size, min(ratios))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    right, bottom = size[0] - inner[0] - left, size[1] - inner[1] - top
    target = np.empty((size[1], size[0], *shape[2:]), np.uint8)

    def letterbox():
        resized = cv2.resize(read(), inner, interpolation=filter_)
        return cv2.copyMakeBorder(
            resized, top, bottom, left, right, cv2.BORDER_CONSTANT, target, color
        )

    return letterbox


def normalize_to_tensor(source, p, layout):
    if layout == "Rgba8":
        fit_all = _fit(*_read(source, layout), p)
        fit = lambda: cv2.cvtColor(fit_all(), cv2.COLOR_RGBA2RGB)
    else:
        fit = _fit(*_read(source, layout), p)
    channels = 1 if layout == "Gray8" else 3
    # In single precision at last, as blobFromImage computes.
    scale = float(p.get("scale", 1 / 255))
    mean, deviation = numbers(p.get("mean", "0")), numbers(p.get("std", "1"))
    mean = mean if len(mean) == channels else mean[:1] * channels
    deviation = deviation if len(deviation) == channels else deviation[:1] * channels
    swap = p.get("channel_order", "rgb") == "bgr" and channels == 3
    element, planar = p.get("element", "f32"), p.get("layout", "nchw") == "nchw"
    if element == "u8":

        def samples():
            image = fit()
            image = image[..., ::-1] if swap else image
            if channels == 1:
                return image
            return np.ascontiguousarray(image.transpose(2, 0, 1)) if planar else image

        return samples
    if element == "f32" and planar:
        # blobFromImage subtracts first, and has one factor: means in samples, then a factor for
        # each channel.
        means = [one / scale for one in mean]

        def blob():
            image = fit()
            made = cv2.dnn.blobFromImage(image, scale, mean=means, swapRB=swap)
            if deviation != [1] * channels:
                order = deviation[::-1] if swap else deviation
                for channel, one in enumerate(order):
                    plane = made[0, channel]
                    cv2.multiply(plane, 1 / one, dst=plane)
            return made

        if swap:
            means = means[::-1]
        return blob
    factors = np.float32([scale / one for one in deviation])
    offsets = np.float32([-one / two for one, two in zip(mean, deviation)])

    def array():
        image = fit().astype(np.float32)
        image = image * factors + offsets if channels == 3 else image * factors[0] + offsets[0]
        image = image[..., ::-1] if swap else image
        if channels == 3 and planar:
            image = image.transpose(2, 0, 1)
        return np.ascontiguousarray(image, np.float16 if element == "f16" else np.float32)

    return array


def histogram(source, p, layout):
    channels = 1 if source.ndim < 3 else source.shape[2]
    # cv2 counts in single precision, exactly up to 2^24.
    return lambda: np.concatenate(
        [cv2.calcHist([source], [c], None, [256], [0, 256]) for c in range(channels)]
    ).astype(np.uint32)
