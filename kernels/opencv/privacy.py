"""What may not be seen, and what is to be seen."""

import math
import shlex

import cv2
import numpy as np

from common import numbers
from effect import block_means


def pixel(text, layout):
    """A colour as a pixel of that layout; grey is its luma."""
    values = [int(text[at : at + 2], 16) for at in range(1, len(text), 2)]
    values = (values + [255])[:4]
    if layout == "Gray8":
        colour = np.array([[values[:3]]], np.uint8)
        return [int(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)[0, 0])]
    return values[: 3 if layout == "Rgb8" else 4]


def rectangles(text, width, height):
    """Left, top, right, bottom of what is in the image; a pixel that is touched counts."""
    values = numbers(text)
    for x, y, w, h in zip(*[iter(values)] * 4):
        if w == 0 or h == 0:
            continue
        left, top = max(math.floor(x), 0), max(math.floor(y), 0)
        right, bottom = min(math.ceil(x + w), width), min(math.ceil(y + h), height)
        if left < right and top < bottom:
            yield left, top, right, bottom


def redact(source, p, layout):
    mode, side = p.get("mode", "blur"), int(p.get("strength", 32))
    height, width = source.shape[:2]
    regions = list(rectangles(p.get("regions", ""), width, height))
    target = np.empty_like(source)
    if mode == "fill":
        color = pixel(p.get("color", "#000000"), layout)

        def fill():
            np.copyto(target, source)
            for left, top, right, bottom in regions:
                cv2.rectangle(target, (left, top), (right - 1, bottom - 1), color, cv2.FILLED)
            return target

        return fill
    back = cv2.INTER_NEAREST if mode == "pixelate" else cv2.INTER_LINEAR
    # Neighbouring blocks have a part in a blur.
    more = side if mode == "blur" else 0

    def around(low, high, length):
        """In whole blocks, with those that have a part in it."""
        return max(low // side * side - more, 0), min(-(-high // side) * side + more, length)

    def work():
        np.copyto(target, source)
        for left, top, right, bottom in regions:
            (x0, x1), (y0, y1) = around(left, right, width), around(top, bottom, height)
            means = block_means(source[y0:y1, x0:x1], side)
            down, across = means.shape[:2]
            hidden = cv2.resize(means, (across * side, down * side), interpolation=back)
            target[top:bottom, left:right] = hidden[
                top - y0 : bottom - y0, left - x0 : right - x0
            ]
        return target

    return work


def draw(source, p, layout):
    thickness = int(p.get("thickness", 2))
    size = float(p.get("text_size", 16))
    statements = [shlex.split(one) for one in p.get("shapes", "").split(";")]
    target = np.empty_like(source)

    def work():
        np.copyto(target, source)
        for words in filter(None, statements):
            name, at = words[0], [word[0] == "#" for word in words].index(True)
            values = [int(word) for word in words[1:at]]
            color, rest = pixel(words[at], layout), words[at + 1 :]
            line = int(rest[0]) if rest and name != "label" else thickness
            if name == "box":
                cv2.rectangle(target, values, color, line)
            elif name == "fill":
                cv2.rectangle(target, values, color, cv2.FILLED)
            elif name in ("polyline", "polygon"):
                points = np.array(values, np.int32).reshape(-1, 1, 2)
                cv2.polylines(target, [points], name == "polygon", color, line)
            elif name == "circle":
                cv2.circle(target, values[:2], values[2], color, line)
            elif name == "dot":
                cv2.circle(target, values[:2], values[2], color, cv2.FILLED)
            else:
                font, scale = cv2.FONT_HERSHEY_SIMPLEX, size / 30
                cv2.putText(target, rest[0], values, font, scale, color, 1, cv2.LINE_AA)
        return target

    return work
