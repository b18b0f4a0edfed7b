"""The first touch of itk, by one thread alone.

itk loads its modules when a name is first used, and raises AttributeError where several threads do so at
once. ``load_itk`` makes one small image under a lock, after which every name that is used here is there.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib import import_module
from typing import Any

_LOCK = threading.Lock()


def load_itk() -> Any:
    """Return the module ``itk``, loaded; the first call takes half a second, so make it early.

    Raises
    ------
    ImportError
        itk is not installed.
    """
    with _LOCK:
        return _touched()


@cache
def _touched() -> Any:
    itk = import_module("itk")
    image = itk.Image[itk.SS, 3].New()
    image.SetRegions((1, 1, 1))
    image.Allocate()
    itk.array_view_from_image(image)
    itk.matrix_from_array(itk.array_from_matrix(image.GetDirection()))
    for name in ("VectorImage", "RGBPixel", "MetaDataObject"):
        getattr(itk, name)
    return itk
