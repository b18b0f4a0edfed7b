"""Imports run one way between the rooms of the package, as the map in README.md ("Inside") has it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import itkdicomqr

FOLDER = Path(itkdicomqr.__file__).parent

HALLS = {"itkdicomqr", "itkdicomqr.volume"}
"""The packages of which each module is a room of its own; every other package is one room."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__")


TREES = {name_of(path): ast.parse(path.read_text("utf-8")) for path in FOLDER.rglob("*.py")}
PACKAGES = {name_of(path) for path in FOLDER.rglob("__init__.py")}


def room_of(module: str) -> str:
    package = module if module in PACKAGES else module.rpartition(".")[0]
    return module if package in HALLS else package


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    names = {(node.module, each.name) for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names}
    found = {f"{module}.{name}" if f"{module}.{name}" in TREES else f"{module}" for module, name in names}
    return found & TREES.keys()


def test_no_rooms_import_each_other() -> None:
    rooms: dict[str, set[str]] = {room_of(module): set() for module in TREES}
    for module, tree in TREES.items():
        rooms[room_of(module)] |= {room_of(other) for other in imported(tree.body)} - {room_of(module)}
    assert set(TopologicalSorter(rooms).static_order()) == rooms.keys()


@pytest.mark.parametrize(
    ("room", "unknown"),
    [("volume", ("association", "dicomweb", "query", "retrieval", "archive")), ("query", ("volume",))],
)
def test_a_half_knows_nothing_of_the_other_not_even_a_type(room: str, unknown: tuple[str, ...]) -> None:
    others = tuple(f"itkdicomqr.{other}" for other in unknown)
    inside = [module for module in TREES if f"{module}.".startswith(f"itkdicomqr.{room}.")]
    assert inside
    for module in inside:
        assert not [other for other in imported(ast.walk(TREES[module])) if other.startswith(others)], module
