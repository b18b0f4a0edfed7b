"""One comparison as a picture: the time of each contender, and its peak memory beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.contenders import OURS
from benchmarks.report import Figures

HIGHLIGHT, OTHERS, FLOOR_COLOUR, INK, PALE = "#0b6e99", "#b8bfc6", "#5f6b76", "#1f2933", "#7b8794"
ROOM_FOR_NUMBERS = 1.2
WIDTH, DPI = 8.0, 200
"""Inches, and dots in each: the letters stay legible when a page shows it 800 pixels wide."""


def draw(told: Mapping[str, Figures], title: str, file: Path) -> None:
    """Draw bars, the fastest above; those of ours stand out."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ranked = sorted(told.items(), key=lambda item: item[1].ratio)
    names = [name for name, _ in ranked]
    figure, (time, memory) = plt.subplots(
        1, 2, sharey=True, figsize=(WIDTH, 1.2 + 0.36 * len(names)), gridspec_kw={"width_ratios": (2, 1)}
    )
    for axes, values, heading in (
        (time, [each.ratio for _, each in ranked], "time (bare socket loop = 1)"),
        (memory, [each.peak for _, each in ranked], "memory (volume = 1)"),
    ):
        bars = axes.barh(names, values, color=[_colour(name, names[0]) for name in names], height=0.68)
        axes.bar_label(bars, fmt="%.1f", padding=4, fontsize=10, color=INK)
        axes.set_title(heading, fontsize=10, loc="left", color=PALE)
        axes.set_xlim(0, ROOM_FOR_NUMBERS * max(values))
        axes.xaxis.set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.spines[:].set_visible(False)
    time.invert_yaxis()
    for label in time.get_yticklabels():
        label.set(fontsize=10, color=INK, fontweight="bold" if label.get_text().startswith(OURS) else "normal")
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK, x=0.02, ha="left")
    figure.tight_layout()
    figure.savefig(file, dpi=DPI)
    plt.close(figure)


def _colour(name: str, floor: str) -> str:
    return HIGHLIGHT if name.startswith(OURS) else FLOOR_COLOUR if name == floor else OTHERS
