"""Vectors in the patient's coordinates (LPS, mm), in ITK's order of operations, so that the doubles are equal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]


def cross(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return the vector product, as vnl_cross_3d computes it."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def length(a: Sequence[float]) -> float:
    """Return the Euclidean norm."""
    return math.sqrt(dot(a, a))


def scaled(a: Sequence[float], factor: float) -> Vector:
    """Return a multiple of a vector."""
    return a[0] * factor, a[1] * factor, a[2] * factor


def difference(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return the vector from ``b`` to ``a``."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def sum_of(a: Sequence[float], b: Sequence[float]) -> Vector:
    """Return the sum of two vectors."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def normalised(a: Sequence[float]) -> Vector:
    """Return a unit vector by multiplying with the reciprocal of the norm, as vnl does."""
    return scaled(a, 1.0 / length(a))


def normal(orientation: Sequence[float]) -> Vector:
    """Return the unit normal of an ImageOrientationPatient."""
    return normalised(cross(orientation[:3], orientation[3:]))
