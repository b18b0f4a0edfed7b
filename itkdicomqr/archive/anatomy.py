"""A chest, a pelvis and a head, as shapes in the patient's coordinates."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np

from itkdicomqr.archive.shapes import Point, Shape, Solid, Tube, as_point, tubes

HOUNSFIELD = {
    "air": -1000.0,
    "foam": -930.0,
    "shell": -250.0,
    "skin": 20.0,
    "fat": -105.0,
    "muscle": 58.0,
    "lung": -865.0,
    "dense lung": -800.0,
    "soft": 35.0,
    "wall": 30.0,
    "water": 8.0,
    "blood": 45.0,
    "portal blood": 45.0,
    "heart": 48.0,
    "liver": 62.0,
    "spleen": 52.0,
    "kidney": 34.0,
    "disc": 85.0,
    "cord": 42.0,
    "marrow": 190.0,
    "bone": 620.0,
    "cartilage": 120.0,
    "catheter": 6000.0,
    "metal": 9000.0,
    "polyethylene": -60.0,
}
"""CT numbers at rest (HU)."""

ARTERIAL = HOUNSFIELD | {"blood": 290.0, "heart": 105.0, "kidney": 130.0, "spleen": 105.0, "liver": 72.0}
PORTAL = HOUNSFIELD | {
    "blood": 165.0,
    "portal blood": 180.0,
    "heart": 90.0,
    "kidney": 185.0,
    "spleen": 122.0,
    "liver": 115.0,
}

T1 = {
    "air": 8.0,
    "scalp": 820.0,
    "bone": 45.0,
    "marrow": 420.0,
    "water": 120.0,
    "grey": 400.0,
    "white": 590.0,
    "muscle": 330.0,
    "fat": 860.0,
    "vitreous": 130.0,
    "mucosa": 380.0,
}
"""Signal of a T1-weighted head, in arbitrary units."""

T2 = {
    "air": 6.0,
    "scalp": 560.0,
    "bone": 35.0,
    "marrow": 260.0,
    "water": 980.0,
    "grey": 520.0,
    "white": 360.0,
    "muscle": 190.0,
    "fat": 600.0,
    "vitreous": 1020.0,
    "mucosa": 640.0,
}
"""Signal of a T2-weighted head, in arbitrary units."""

_SIDES = (-1.0, 1.0)
_VERTEBRAE = 16
_VERTEBRA_STEP = 24.0
_RIBS = 10


def thorax(*, shoulders: bool = False) -> list[Shape]:
    """Draw a chest and upper abdomen; the arms are up unless there are shoulders."""
    rooms = (
        _torso(shoulders=shoulders),
        _lungs(),
        _abdomen(),
        _mediastinum(),
        _heart(),
        _spine(),
        _rib_cage(),
        _girdle(),
    )
    return list(chain.from_iterable(rooms))


def catheter() -> list[Shape]:
    """Draw a central line that comes from the right arm and ends in the superior vena cava."""
    path: list[Point] = [
        (-185, -20, 20),
        (-160, -20, 95),
        (-120, -20, 118),
        (-70, -20, 112),
        (-30, -20, 88),
        (-27, -20, 20),
    ]
    return tubes("catheter", path, 1.9)


def _torso(*, shoulders: bool) -> list[Shape]:
    layers = (("skin", 0.0), ("fat", 2.5), ("muscle", 14.0))
    table: list[Shape] = [Solid("shell", (0, 138, 0), (215, 17, 900)), Solid("foam", (0, 138, 0), (211, 14, 900))]
    trunk: list[Shape] = []
    for material, inset in layers:
        trunk += [
            Solid(material, (side * 38, 0, -60), (128 - inset, 112 - inset, 420), (0, 0, side * 6)) for side in _SIDES
        ]
        if shoulders:
            trunk += [
                Tube(material, (side * 60, 15, 112), (side * 150, 15, 92), (52 - inset, 48 - inset)) for side in _SIDES
            ]
            trunk += [
                Tube(material, (side * 158, 15, 90), (side * 205, 10, -120), (42 - inset, 40 - inset))
                for side in _SIDES
            ]
            trunk.append(Tube(material, (0, 15, 110), (0, 5, 240), (62 - inset, 56 - inset)))
    breasts: list[Shape] = [Solid("fat", (side * 72, -98, 25), (46, 20, 48)) for side in _SIDES]
    pectorals: list[Shape] = [
        Solid("muscle", (side * 62, -88, 55), (58, 13, 48), (0, 0, side * -14)) for side in _SIDES
    ]
    return [*([] if shoulders else table), *breasts, *trunk, *pectorals]


def _lungs() -> list[Shape]:
    shapes: list[Shape] = [Solid("fat", (0, -4, -40), (122, 86, 190))]
    for side in _SIDES:
        shapes.append(Solid("lung", (side * 66, 0, -14), (51, 79, 122), (0, 0, side * 7)))
        shapes.append(Solid("lung", (side * 68, 8, -58), (52, 76, 84)))
        shapes.append(Solid("dense lung", (side * 68, 52, -30), (36, 24, 80)))
        shapes += _vessels(side)
    return shapes


def _vessels(side: float) -> list[Shape]:
    """Branch from the hilum outwards, each generation thinner, as far as the lung reaches."""
    rng = np.random.default_rng(7)
    shapes: list[Shape] = []
    hilum = np.array([side * 32.0, 4.0, 4.0])
    branches = [(hilum, np.array(way), 26.0, 5.2) for way in _lobar_ways(side)]
    while branches:
        start, way, length, radius = branches.pop()
        way = way / np.linalg.norm(way)
        end = start + way * length
        if radius < 4 and not _in_lung(end, side):
            continue
        shapes.append(Tube("blood", as_point(start), as_point(end), (radius, radius * 0.8)))
        if radius > 1.6:
            spread = rng.normal(0, 0.45, (2, 3))
            branches += [
                (end, way + turn, length * 0.8, radius * share) for turn, share in zip(spread, (0.8, 0.62), strict=True)
            ]
    return shapes


def _lobar_ways(side: float) -> list[tuple[float, float, float]]:
    return [
        (side * 0.5, -0.3, 1),
        (side * 0.7, 0.5, 0.7),
        (side, -0.7, 0.1),
        (side, 0.3, -0.1),
        (side * 0.6, -0.6, -0.7),
        (side * 0.5, 0.5, -1),
        (side * 0.9, 0.1, -0.7),
        (side * 0.9, 0.0, 0.5),
        (side * 0.5, -0.5, 0.6),
        (side * 0.5, 0.8, 0.1),
        (side * 0.8, -0.2, -1.0),
    ]


def _in_lung(point: np.ndarray, side: float) -> bool:
    offset = (point - (side * 68, 2, -20)) / (49, 76, 112)
    return bool(offset @ offset < 0.9)


def _abdomen() -> list[Shape]:
    return [
        Solid("muscle", (-62, 2, -118), (50, 73, 86)),
        Solid("muscle", (60, 2, -126), (49, 71, 82)),
        Solid("fat", (0, -4, -205), (112, 80, 112)),
        Solid("liver", (-60, -2, -120), (48, 71, 84)),
        Solid("liver", (-42, -10, -140), (66, 70, 52)),
        Solid("liver", (14, -46, -110), (54, 28, 26), (0, 8, 0)),
        *tubes("portal blood", [(-22, 0, -130), (-52, -2, -122), (-78, 10, -112)], 6, 3),
        *tubes("portal blood", [(-30, 20, -92), (-52, 20, -98), (-72, 22, -108)], 5, 2),
        *tubes("portal blood", [(-22, 0, -130), (-40, -30, -124), (-62, -38, -116)], 5, 2.5),
        Solid("fat", (-38, -42, -152), (20, 16, 22)),
        Solid("water", (-38, -42, -154), (15, 12, 19)),
        Solid("fat", (58, 0, -126), (45, 66, 78)),
        Solid("wall", (56, -22, -98), (36, 38, 36)),
        Solid("soft", (56, -22, -98), (32, 34, 32)),
        Solid("air", (56, -38, -96), (24, 15, 25)),
        Solid("spleen", (82, 36, -108), (20, 34, 40), (0, 0, 12)),
        *(Solid("kidney", (side * 58, 48, -168), (25, 22, 48), (0, side * -8, 0)) for side in _SIDES),
        Solid("soft", (10, -5, -146), (48, 13, 14), (0, -10, 0)),
    ]


def _mediastinum() -> list[Shape]:
    aorta: list[Point] = [
        (8, -24, 18),
        (-14, -28, 40),
        (-12, -22, 58),
        (2, -8, 72),
        (16, 12, 74),
        (24, 30, 62),
        (24, 40, 40),
    ]
    return [
        Solid("fat", (4, 4, 45), (38, 48, 84)),
        Solid("muscle", (0, -30, 108), (50, 28, 34)),
        *tubes("blood", [*aorta, (22, 42, -60), (10, 38, -120), (6, 34, -230)], 13.5, 10.5),
        *tubes("blood", [(-27, -24, 96), (-27, -22, 52), (-24, -18, 8)], 9),
        *tubes("blood", [(-27, -26, 90), (8, -34, 86), (34, -30, 96)], 6),
        *tubes("blood", [(-22, 10, -62), (-22, 16, -110), (-20, 24, -230)], 11),
        *tubes("blood", [(14, -36, 8), (16, -20, 34), (34, 4, 24)], 13, 9),
        *tubes("blood", [(14, -14, 30), (-14, -4, 20), (-38, 2, 8)], 11, 8),
        *tubes("wall", [(0, -4, 150), (0, 4, 84), (0, 14, 46)], 10.5, 10.5),
        *(
            shape
            for side in _SIDES
            for shape in tubes("wall", [(0, 14, 46), (side * 24, 18, 24), (side * 42, 20, 2)], 8, 5)
        ),
        *tubes("air", [(0, -4, 150), (0, 4, 84), (0, 14, 46)], 8.5),
        *(
            shape
            for side in _SIDES
            for shape in tubes("air", [(0, 14, 46), (side * 24, 18, 24), (side * 44, 20, 0)], 6, 3)
        ),
        *tubes("soft", [(4, 22, 120), (4, 28, 20), (10, 22, -70), (34, -4, -92)], 7),
        *tubes("air", [(4, 22, 100), (4, 28, 40)], 1.6),
        Solid("fat", (6, -64, 40), (22, 16, 46)),
    ]


def _heart() -> list[Shape]:
    turn: Point = (0, 38, -28)
    return [
        Solid("fat", (18, -28, -26), (66, 50, 54), turn),
        Solid("heart", (18, -27, -24), (60, 44, 48), turn),
        Solid("blood", (34, -18, -28), (30, 17, 20), turn),
        Solid("blood", (8, -50, -26), (32, 13, 24), turn),
        Solid("blood", (-24, -22, -16), (22, 22, 28)),
        Solid("blood", (8, 8, -4), (28, 16, 22)),
        Solid("liver", (-34, -24, -78), (44, 46, 22)),
    ]


def _spine() -> list[Shape]:
    levels = [150 - _VERTEBRA_STEP * number for number in range(_VERTEBRAE)]
    shapes: list[Shape] = [Solid("muscle", (side * 34, 92, -60), (32, 22, 420), (0, 0, side * -12)) for side in _SIDES]
    shapes.append(Solid("disc", (0, 60, -30), (17, 14, 195), drum=True))
    for level in levels:
        shapes += _vertebra(level)
    shapes.append(Solid("water", (0, 83, -30), (9, 8, 195), drum=True))
    shapes.append(Solid("cord", (0, 83, 0), (5, 4.2, 165), drum=True))
    return shapes


def _vertebra(level: float) -> list[Shape]:
    shapes: list[Shape] = [
        Solid("bone", (0, 60, level), (19, 16, 9.5), drum=True),
        Solid("marrow", (0, 60, level), (16.5, 13.5, 7.5), drum=True),
        Solid("bone", (0, 85, level - 3), (15, 13, 8), drum=True),
        Tube("bone", (0, 97, level - 4), (0, 116, level - 16), (3.6, 4)),
    ]
    return shapes + [Tube("bone", (side * 11, 78, level), (side * 33, 84, level + 2), (5, 4)) for side in _SIDES]


def _rib_cage() -> list[Shape]:
    shapes: list[Shape] = []
    for number in range(_RIBS):
        for side in _SIDES:
            path = _rib_path(number, side)
            shapes += tubes("bone", path, 5, 5)
            front: Point = (side * 16, -90, path[-1][2] + (10 if number < 6 else 20))
            if number < 8:
                shapes += tubes("cartilage", [path[-1], front], 5)
    sternum: list[Shape] = [
        Solid("bone", (0, -96, 30), (20, 7, 70), (4, 0, 0)),
        Solid("marrow", (0, -96, 30), (17, 4.5, 66), (4, 0, 0)),
    ]
    return shapes + sternum


def _rib_path(number: int, side: float) -> list[Point]:
    """Lead a rib from its vertebra around the chest, falling to the front."""
    head = 126 - _VERTEBRA_STEP * number
    wide = 84 + 36 * math.sqrt(min(1, number / 5))
    deep = 66 + 20 * math.sqrt(min(1, number / 5))
    reach = (2.6 if number < 7 else 2.1) if number else 2.5
    angles = np.linspace(0.22, reach, 10)
    fall = 12 + 7.5 * min(number, 6)
    return [
        (side * wide * math.sin(angle), 2 + deep * math.cos(angle), head - fall * (1 - math.cos(angle)) * 0.62)
        for angle in angles.tolist()
    ]


def _girdle() -> list[Shape]:
    shapes: list[Shape] = []
    for side in _SIDES:
        clavicle: list[Point] = [
            (side * 14, -84, 104),
            (side * 60, -72, 116),
            (side * 105, -38, 124),
            (side * 140, -12, 122),
        ]
        shapes += tubes("bone", clavicle, 6)
        shapes.append(Solid("bone", (side * 98, 82, 52), (42, 4.5, 62), (0, 0, side * -24)))
        shapes.append(Solid("muscle", (side * 98, 94, 40), (40, 6, 56), (0, 0, side * -24)))
        spine: list[Point] = [(side * 66, 98, 78), (side * 112, 82, 98), (side * 150, 30, 118)]
        shapes += tubes("bone", spine, 4.5, 6)
    return shapes


def pelvis() -> list[Shape]:
    """Draw a pelvis with a total arthroplasty of the right hip."""
    shapes: list[Shape] = []
    for material, inset in (("skin", 0.0), ("fat", 2.0), ("muscle", 22.0)):
        shapes.append(Solid(material, (0, 0, 90), (178 - inset, 112 - inset, 230)))
        shapes += [Tube(material, (s * 92, 0, 0), (s * 92, 0, -230), (86 - inset, 70 - inset)) for s in _SIDES]
    for side in _SIDES:
        shapes += _hip_bone(side)
    sacrum: list[Shape] = [Solid("bone", (0, 58, 70 - 16 * n), (44 - 7 * n, 12, 9)) for n in range(5)]
    lumbar: list[Shape] = [Solid("bone", (0, 34, 104 + 30 * n), (25, 18, 12), drum=True) for n in range(4)]
    return [*shapes, *sacrum, *lumbar, *_thigh_bone(1.0), *_arthroplasty(-1.0)]


def _hip_bone(side: float) -> list[Shape]:
    rim: list[Point] = [
        (side * 42, 62, 88),
        (side * 82, 40, 116),
        (side * 122, -10, 104),
        (side * 126, -52, 66),
        (side * 102, -50, 30),
    ]
    ramus: list[Point] = [
        (side * 82, -20, 4),
        (side * 46, -52, -8),
        (side * 10, -60, -22),
        (side * 34, -30, -52),
        (side * 56, 10, -60),
    ]
    return [
        Solid("bone", (side * 92, 10, 62), (42, 6, 50), (0, side * 24, side * -34)),
        *tubes("bone", rim, 6.5),
        *tubes("bone", ramus, 9),
        *tubes("bone", [(side * 56, 10, -60), (side * 78, 22, -14), (side * 60, 40, 50)], 11),
        Solid("bone", (side * 88, 0, 6), (34, 30, 32)),
        Solid("muscle", (side * 96, 0, -2), (27, 26, 26)),
    ]


def _thigh_bone(side: float) -> list[Shape]:
    shaft: list[Point] = [(side * 136, 0, -46), (side * 126, 0, -120), (side * 116, 0, -260)]
    return [
        Solid("bone", (side * 96, 0, -2), (24, 24, 24)),
        *tubes("bone", [(side * 98, 0, -4), (side * 136, 0, -40)], 14, 18),
        *tubes("bone", shaft, 19, 14),
        *tubes("bone", [(side * 142, 4, -22), (side * 146, 4, -44)], 14),
        *tubes("marrow", [(side * 132, 0, -60), *shaft[1:]], 10, 7),
    ]


def _arthroplasty(side: float) -> list[Shape]:
    shaft: list[Point] = [(side * 136, 0, -46), (side * 126, 0, -120), (side * 116, 0, -260)]
    return [
        *tubes("bone", shaft, 19, 14),
        *tubes("bone", [(side * 142, 4, -22), (side * 146, 4, -44)], 14),
        *tubes("marrow", [(side * 132, 0, -60), *shaft[1:]], 10, 7),
        Solid("metal", (side * 92, 0, 2), (27, 27, 27)),
        Solid("muscle", (side * 104, 0, -13), (27, 27, 24), (0, side * 40, 0)),
        Solid("polyethylene", (side * 93, 0, 0), (23, 23, 23)),
        Solid("metal", (side * 97, 0, -3), (15, 15, 15)),
        *tubes("metal", [(side * 100, 0, -6), (side * 128, 0, -36)], 6.5, 9),
        *tubes("metal", [(side * 130, 0, -40), (side * 126, 0, -90), (side * 121, 0, -170)], 11, 5),
        *tubes("metal", [(side * 80, 0, 22), (side * 66, 6, 58)], 2.6),
    ]


def head() -> list[Shape]:
    """Draw a head: skull, brain with its ventricles, eyes, face and neck."""
    return list(chain.from_iterable((_skull(), _face(), _brain(), _deep_brain(), _hindbrain())))


def _skull() -> list[Shape]:
    return [
        Solid("scalp", (0, 6, 14), (79, 100, 96)),
        Tube("scalp", (0, -38, -52), (0, -30, -96), (52, 48)),
        Tube("scalp", (0, 28, -60), (0, 38, -180), (60, 60)),
        Solid("muscle", (0, 4, 4), (72, 92, 80)),
        Tube("muscle", (0, 26, -70), (0, 38, -180), (55, 55)),
        Solid("bone", (0, 6, 16), (73, 94, 91)),
        Solid("marrow", (0, 6, 16), (71, 92, 89)),
        Solid("bone", (0, 6, 16), (69, 90, 87)),
    ]


def _face() -> list[Shape]:
    shapes: list[Shape] = [
        Solid("muscle", (0, -52, -58), (46, 34, 44)),
        Tube("scalp", (0, -96, -16), (0, -112, -44), (8, 12)),
        Solid("air", (0, -78, -42), (9, 30, 24)),
        Solid("mucosa", (0, -78, -42), (1.5, 28, 22)),
        Solid("bone", (0, -68, -68), (34, 32, 6)),
        Solid("muscle", (0, -62, -84), (26, 32, 14)),
        *tubes("bone", [(-44, -30, -98), (-22, -84, -106), (22, -84, -106), (44, -30, -98)], 7),
        *tubes("air", [(0, -44, -44), (0, -22, -76), (0, -18, -180)], 8),
        Solid("air", (0, -78, 20), (20, 7, 13)),
    ]
    for side in _SIDES:
        shapes += [
            Solid("air", (side * 28, -66, -44), (14, 17, 17)),
            Tube("fat", (side * 32, -72, -6), (side * 16, -34, -10), (19, 6)),
            *tubes("muscle", [(side * 20, -66, -8), (side * 14, -34, -10)], 2),
            *tubes("white", [(side * 31, -66, -8), (side * 8, -22, -10)], 2.2),
            Solid("vitreous", (side * 32, -80, -8), (12, 12, 12)),
            Solid("mucosa", (side * 32, -89, -8), (5, 2, 5)),
            Tube("scalp", (side * 76, 8, -12), (side * 84, 14, 14), (7, 7)),
        ]
    return shapes


def _brain() -> list[Shape]:
    shapes: list[Shape] = [
        Solid("water", (0, 6, 22), (66, 87, 80)),
        Solid("grey", (0, 6, 26), (64, 85, 74), folds=0.05),
    ]
    for side in _SIDES:
        shapes.append(Solid("white", (side * 7, 6, 27), (51, 77, 64), folds=0.11))
        shapes.append(Solid("bone", (side * 34, -46, -26), (36, 34, 15)))
        shapes.append(Solid("grey", (side * 42, -8, -16), (21, 42, 24), folds=0.05))
        shapes.append(Solid("white", (side * 42, -6, -14), (14, 36, 16), folds=0.14))
    gap = [Solid("grey", (0, 6, 26), (7, 84, 73), folds=0.1), Solid("water", (0, 6, 26), (1.1, 85, 74))]
    base = [Solid("marrow", (0, -26, -40), (38, 28, 17)), Solid("air", (0, -40, -30), (13, 14, 9))]
    return [*shapes, *gap, *base]


def _deep_brain() -> list[Shape]:
    arch: list[Point] = [(0, -24, 18), (0, -34, 30), (0, -26, 42), (0, 0, 48), (0, 26, 44), (0, 38, 34), (0, 34, 26)]
    shapes: list[Shape] = [
        Solid("water", (0, -4, -8), (17, 18, 10)),
        *(Solid("white", (side * 18, 0, 26), (13, 34, 20)) for side in _SIDES),
        *(shape for side in _SIDES for shape in tubes("white", [(side * (abs(x) + 6), y, z) for x, y, z in arch], 6)),
        *tubes("white", arch, 5, 5),
    ]
    for side in _SIDES:
        horns: list[Point] = [(side * 14, -36, 30), (side * 9, -14, 36), (side * 10, 10, 37), (side * 20, 34, 28)]
        shapes += [
            *tubes("white", [(side * 20, -24, 20), (side * 18, 2, 20), (side * 28, 16, 22)], 4.5),
            Solid("grey", (side * 11, 4, 22), (9, 16, 11), (0, 0, side * -20)),
            Solid("grey", (side * 24, -8, 20), (6, 17, 11), (0, 0, side * -14)),
            *tubes("water", horns, 5.5, 7),
            *tubes("water", [(side * 20, 34, 28), (side * 28, 44, 20)], 7, 3),
            *tubes("water", [(side * 20, 34, 28), (side * 36, 16, -2), (side * 34, -8, -8)], 5, 3),
            Solid("grey", (side * 15, -22, 30), (5, 14, 8)),
        ]
    return [*shapes, Solid("water", (0, 2, 20), (2.2, 14, 10))]


def _hindbrain() -> list[Shape]:
    stem: list[Point] = [(0, 8, 12), (0, 10, -8), (0, 16, -34), (0, 28, -66), (0, 40, -180)]
    return [
        Solid("water", (0, 40, -38), (52, 40, 32)),
        *(Solid("grey", (side * 24, 48, -34), (26, 30, 23), folds=0.08) for side in _SIDES),
        *(Solid("white", (side * 22, 44, -34), (17, 18, 11), folds=0.18) for side in _SIDES),
        Solid("grey", (0, 46, -30), (9, 24, 23), folds=0.12),
        Solid("white", (0, 40, -30), (4, 13, 10), folds=0.3),
        *tubes("water", stem[2:], 11, 9),
        *tubes("white", stem[:3], 12, 13),
        Solid("white", (0, 2, -22), (17, 13, 14)),
        *tubes("white", stem[2:], 9, 5.5),
        *tubes("water", [(0, 12, 10), (0, 22, -16)], 1.4),
        Solid("water", (0, 28, -32), (7, 4.5, 13)),
        *tubes("marrow", [(0, 18, -76), (0, 22, -180)], 9),
    ]
