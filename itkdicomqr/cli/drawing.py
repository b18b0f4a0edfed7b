"""Drawing a plane of the body in gray: square pixels, a window, letters at its edges and a ruler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Window = tuple[float, float]
"""The values that become black and white."""

WINDOW_PERCENTILES = (1.0, 99.5)
"""The values that become black and white, where no header tells them."""

LETTER_SIZE = 2
"""How many pixels a dot of a letter has in height and width."""

MARGIN = 24
"""Pixels around a plane, which hold the letters; twice as many below it, for the ruler."""

RULERS_MM = (100, 50, 10, 5, 1)
"""Lengths that a ruler may have."""

WHITE = 255

_LETTERS = {
    "A": ".###. #...# #...# ##### #...# #...# #...#",
    "I": ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
    "L": "#.... #.... #.... #.... #.... #.... #####",
    "P": "####. #...# #...# ####. #.... #.... #....",
    "R": "####. #...# #...# ####. #.#.. #..#. #...#",
    "S": ".#### #.... #.... .###. ....# ....# ####.",
    "0": ".###. #...# #...# #...# #...# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "m": "..... ..... ##.#. #.#.# #.#.# #.#.# #.#.#",
    " ": "..... ..... ..... ..... ..... ..... .....",
}
"""Dots of the letters that are needed, line by line."""


@dataclass(frozen=True)
class Plane:
    """Values in a plane, and how it lies.

    Attributes
    ----------
    values : ndarray
        (rows, columns).
    steps : tuple of float
        mm between rows and between columns.
    edges : str
        The letters of where left, right, top and bottom are in the body, such as ``"RLAP"``; empty
        where that is not known.
    """

    values: NDArray[Any]
    steps: tuple[float, float]
    edges: str = ""

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width in mm."""
        rows, columns = self.values.shape
        return rows * self.steps[0], columns * self.steps[1]


def window_of(values: NDArray[Any]) -> Window:
    """Choose the window by the values themselves."""
    low, high = np.percentile(values, WINDOW_PERCENTILES)
    return float(low), float(high)


def drawn(plane: Plane, pixels_mm: tuple[float, float], window: Window) -> Gray:
    """Draw the values with pixels of some height and width in mm, each the mean of what it covers."""
    values = plane.values.astype(np.float64)
    for axis, (step, pixel) in enumerate(zip(plane.steps, pixels_mm, strict=True)):
        values = _resized(values, axis, pixel / step)
    low, high = window
    scaled = (values - low) * WHITE / ((high - low) or 1.0)
    gray: Gray = np.rint(scaled.clip(0, WHITE)).astype(np.uint8)
    return gray


def labelled(plane: Plane, pixel_mm: float, window: Window) -> Gray:
    """Draw a plane with square pixels, the letters of its edges and a ruler around it."""
    gray = drawn(plane, (pixel_mm, pixel_mm), window)
    picture = np.pad(gray, ((MARGIN, 2 * MARGIN), (MARGIN, MARGIN)))
    height, width = gray.shape
    middle, center = MARGIN + height // 2, MARGIN // 2 + width // 2
    places = ((middle, 0), (middle, MARGIN + width), (MARGIN // 2, center), (MARGIN + height + MARGIN // 2, center))
    for letter, (row, left) in zip(plane.edges, places, strict=False):
        _put(picture, _text(letter), row, left + MARGIN // 4)
    _draw_ruler(picture, width, pixel_mm)
    return picture


def side_by_side(pictures: list[Gray]) -> Gray:
    """Put pictures into a row, their tops aligned."""
    height = max(picture.shape[0] for picture in pictures)
    return np.hstack([np.pad(picture, ((0, height - picture.shape[0]), (0, 0))) for picture in pictures])


def _resized(values: NDArray[np.float64], axis: int, ratio: float) -> NDArray[np.float64]:
    """Average along an axis over steps of ``ratio`` old ones, by differences of the running sum."""
    size = values.shape[axis]
    count = max(1, round(size / ratio))
    edges = np.linspace(0, size, count + 1)
    whole = np.minimum(edges.astype(int), size - 1)
    lines = np.moveaxis(values, axis, 0)
    sums = np.concatenate([np.zeros_like(lines[:1]), np.cumsum(lines, axis=0)])
    at_edges = sums[whole] + (edges - whole)[:, None] * lines[whole]
    return np.moveaxis(np.diff(at_edges, axis=0) * (count / size), 0, axis)


def _draw_ruler(picture: Gray, width: int, pixel_mm: float) -> None:
    """Draw the longest ruler that fits below a third of the plane, if any."""
    fitting = [length for length in RULERS_MM if length / pixel_mm <= width / 3]
    if fitting:
        end = MARGIN + round(fitting[0] / pixel_mm)
        middle = picture.shape[0] - MARGIN // 2
        picture[middle - 1 : middle + 1, MARGIN:end] = WHITE
        picture[middle - MARGIN // 4 : middle + MARGIN // 4, [MARGIN, end - 1]] = WHITE
        _put(picture, _text(f"{fitting[0]} mm"), middle, end + MARGIN // 4)


def _text(text: str) -> Gray:
    """Draw letters beside each other."""
    dots = [[[dot == "#" for dot in line] for line in _LETTERS[letter].split()] for letter in text]
    spaced = np.pad(np.array(dots), ((0, 0), (0, 0), (0, 1)))
    line = np.hstack([*spaced]).astype(np.uint8) * WHITE
    return line.repeat(LETTER_SIZE, 0).repeat(LETTER_SIZE, 1)


def _put(picture: Gray, text: Gray, middle: int, left: int) -> None:
    """Put what fits of a text into a picture, at the height of its middle."""
    top = middle - text.shape[0] // 2
    space = picture[top : top + text.shape[0], left : left + text.shape[1]]
    space |= text[: space.shape[0], : space.shape[1]]
