"""A look at a series: its middle slice, which alone is retrieved, in the terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import Unpack

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from itkdicomqr.cli.drawing import Plane, Window, drawn, window_of
from itkdicomqr.cli.picture import middle_slice
from itkdicomqr.client import Client
from itkdicomqr.errors import IncompleteSeriesError
from itkdicomqr.query.table import Row
from itkdicomqr.retrieval import ChoiceWords
from itkdicomqr.volume import Volume, read_volumes

WINDOW_CENTER, WINDOW_WIDTH = "0028|1050", "0028|1051"
PHOTOMETRIC_INTERPRETATION = "0028|0004"
PIPE_SIZE = (80, 40)
"""Columns and lines where there is no terminal."""

SHADES = " .:-=+*#%@"
"""From black to white, where there are no colours."""


def middle_instance(client: Client, series: Row, **choices: Unpack[ChoiceWords]) -> Volume:
    """Retrieve the middle instance of a series by InstanceNumber, and no other.

    Raises
    ------
    IncompleteSeriesError
        The archive lists none.
    """
    listed = sorted(client.find_instances(series), key=_place_in_series)
    if not listed:
        message = f"no instance of series {series.get('SeriesInstanceUID')} is listed"
        raise IncompleteSeriesError(message)
    wanted = listed[len(listed) // 2].get("SOPInstanceUID") or ""
    # Windows are told of values that were not inverted (PS3.3 C.11.2.1.2).
    volumes = read_volumes(client.retrieve(series, instance_uids=[wanted], **choices), invert_monochrome1=False)
    return volumes[len(volumes) // 2]


def slice_and_window(volume: Volume) -> tuple[Plane, Window]:
    """Give the middle slice, and what becomes black and white: by the header, else by its values."""
    plane, header = middle_slice(volume), volume.slices[0]
    low, high = _told_window(header.get(WINDOW_CENTER, ""), header.get(WINDOW_WIDTH, "")) or window_of(plane.values)
    inverted = header.get(PHOTOMETRIC_INTERPRETATION, "").strip() == "MONOCHROME1"
    return plane, (high, low) if inverted else (low, high)


def show_plane(plane: Plane, window: Window, screen: Console) -> None:
    """Draw a plane in the terminal, two pixels a character; in letters where there are no colours."""
    width, lines = (screen.width, screen.height - 3) if screen.is_terminal else PIPE_SIZE
    pixel = max(plane.extent[0] / (2 * lines), plane.extent[1] / width)
    if screen.color_system and screen.encoding.startswith("utf"):
        gray = drawn(plane, (pixel, pixel), window)
        for upper, lower in zip(gray[::2], [*gray[1::2], np.zeros_like(gray[0])], strict=False):
            screen.print(Text.assemble(*(("▀", _style(*pair)) for pair in zip(upper, lower, strict=True))))
    else:
        for line in drawn(plane, (2 * pixel, pixel), window):
            screen.print(Text("".join(map(_shade, line))))


def caption(plane: Plane) -> str:
    """Tell in a line how large a plane is, and how it lies."""
    height, width = plane.extent
    rows, columns = plane.values.shape
    lies = f", left {plane.edges[0]}, right {plane.edges[1]}, up {plane.edges[2]}" if plane.edges else ""
    return f"{columns} x {rows} pixels, {width:.4g} x {height:.4g} mm{lies}"


def _place_in_series(instance: Row) -> tuple[int, str]:
    number = 0
    with suppress(ValueError):
        number = int(instance.get("InstanceNumber") or 0)
    return number, instance.get("SOPInstanceUID") or ""


def _told_window(center: str, width: str) -> Window | None:
    """Read the first window (PS3.3 C.11.2.1.2.1), if there is one."""
    try:
        middle, extent = (float(text.split("\\")[0]) for text in (center, width))
    except ValueError:
        return None
    return (middle - extent / 2, middle + extent / 2 - 1) if extent > 1 else None


def _style(upper: int, lower: int) -> Style:
    return Style(color=Color.from_rgb(upper, upper, upper), bgcolor=Color.from_rgb(lower, lower, lower))


def _shade(value: int) -> str:
    return SHADES[int(value) * len(SHADES) // 256]
