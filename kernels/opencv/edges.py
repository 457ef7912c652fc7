"""Edges."""

import cv2
import numpy as np

from common import BORDERS, on_colours, with_border


def bordered(source, margin, border, work):
    """`work(image, border)` on red, green and blue with any border; alpha stays."""
    if border == cv2.BORDER_WRAP:
        # OpenCV's filters do not wrap, but its borders do.
        def wrapped(colours):
            inner = lambda larger: work(larger, cv2.BORDER_REFLECT_101)()
            return with_border(colours, margin, border, inner)

        return on_colours(source, wrapped)
    return on_colours(source, lambda colours: work(colours, border))


def differences(source, p, taps, derivative):
    """First differences as samples; `derivative(image, type, dx, dy, target, border)`."""
    direction, norm = p.get("direction", "magnitude"), p.get("norm", "l2")
    scale, border = float(p.get("scale", 1)), BORDERS[p.get("border_mode", "reflect_101")]
    # 16 bits are too few for seven taps.
    kind = cv2.CV_16S if taps < 7 else cv2.CV_32F

    def work(image, border):
        target = np.empty_like(image)
        sample = np.int16 if kind == cv2.CV_16S else np.float32
        x, y = np.empty(image.shape, sample), np.empty(image.shape, sample)
        if direction != "magnitude":
            ahead = (1, 0) if direction == "x" else (0, 1)

            def one():
                derivative(image, kind, *ahead, x, border)
                return cv2.convertScaleAbs(x, dst=target, alpha=scale)

            return one
        if norm == "l1" and scale == 1:
            other = np.empty_like(image)

            def sum_of_samples():
                derivative(image, kind, 1, 0, x, border)
                derivative(image, kind, 0, 1, y, border)
                cv2.convertScaleAbs(x, dst=target)
                cv2.convertScaleAbs(y, dst=other)
                return cv2.add(target, other, dst=target)

            return sum_of_samples
        u, v = np.empty(image.shape, np.float32), np.empty(image.shape, np.float32)

        def magnitude():
            derivative(image, cv2.CV_32F, 1, 0, u, border)
            derivative(image, cv2.CV_32F, 0, 1, v, border)
            both = np.abs(u) + np.abs(v) if norm == "l1" else cv2.magnitude(u, v, magnitude=u)
            return cv2.convertScaleAbs(both, dst=target, alpha=scale)

        return magnitude

    return bordered(source, 3, border, work)


def sobel(source, p, layout):
    taps = int(p.get("kernel_size", 3))

    def derivative(image, kind, dx, dy, target, border):
        cv2.Sobel(image, kind, dx, dy, dst=target, ksize=taps, borderType=border)

    return differences(source, p, taps, derivative)


def scharr(source, p, layout):
    def derivative(image, kind, dx, dy, target, border):
        cv2.Scharr(image, kind, dx, dy, dst=target, borderType=border)

    return differences(source, p, 3, derivative)


def second_differences(image, taps, scale, border):
    """The Laplacian as samples."""
    kind, sample = (cv2.CV_16S, np.int16) if taps < 7 else (cv2.CV_32F, np.float32)
    between, target = np.empty(image.shape, sample), np.empty_like(image)

    def work():
        cv2.Laplacian(image, kind, dst=between, ksize=taps, borderType=border)
        return cv2.convertScaleAbs(between, dst=target, alpha=scale)

    return work


def laplacian(source, p, layout):
    taps, scale = int(p.get("kernel_size", 3)), float(p.get("scale", 1))
    border = BORDERS[p.get("border_mode", "reflect_101")]
    work = lambda image, border: second_differences(image, taps, scale, border)
    return bordered(source, 3, border, work)


def log(source, p, layout):
    size, sigma = int(p.get("kernel_size", 5)), float(p.get("sigma", 1))
    taps, scale = int(p.get("laplacian_size", 3)), float(p.get("scale", 1))
    border = BORDERS[p.get("border_mode", "reflect_101")]

    def work(image, border):
        blurred = np.empty_like(image)
        second = second_differences(blurred, taps, scale, border)

        def both():
            cv2.GaussianBlur(
                image, (size, size), sigma, dst=blurred, sigmaY=sigma, borderType=border
            )
            return second()

        return both

    return bordered(source, size // 2 + 3, border, work)


def canny(source, p, layout):
    # Alpha is not looked at.
    image = np.ascontiguousarray(source[..., :3]) if layout == "Rgba8" else source
    low, high = float(p.get("low", 50)), float(p.get("high", 150))
    taps, exact = int(p.get("aperture", 3)), p.get("l2_gradient", "false") == "true"
    target = np.empty(source.shape[:2], np.uint8)
    return lambda: cv2.Canny(image, low, high, edges=target, apertureSize=taps, L2gradient=exact)
