"""The demo patient: a phantom, examined by CR, CT and MR; and two others whom a search must tell apart."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from itkdicomqr.archive import anatomy
from itkdicomqr.archive.headers import Patient, Series, Study
from itkdicomqr.archive.shapes import Grid, as_point, paint, paint_each
from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from itkdicomqr.archive.shapes import Floats

DEMO = Patient("99999", "Demo^Patient", "19480229", "F")
NAMESAKE = Patient("99998", "Demo^Patience", "19480229", "F")
UNICODE = Patient("88888", "Démo^Ünïcode=見本^患者=みほん^かんじゃ", "19720615", "O")

CHEST = Study(DEMO, "20050106", "Chest-- PA & Lateral", "CR", 1)
CATHETER = Study(DEMO, "20000322", "Chest-PICC", "CR", 2)
HIP = Study(DEMO, "20000307", "Hip 3+vw THA Series (Post Op)", "CR", 3)
THORAX = Study(DEMO, "20210503", "CT Thorax", "CT", 4)
BRAIN = Study(DEMO, "20220214", "MR Brain", "MR", 5)
OTHER_THORAX = Study(NAMESAKE, "20210503", "CT Thorax", "CT", 6)
OTHER_BRAIN = Study(UNICODE, "20220214", "MR Schädel", "MR", 7)

LEFT, POSTERIOR, SUPERIOR = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
FEET = (0.0, 0.0, -1.0)
AXIAL = (SUPERIOR, POSTERIOR, LEFT)
CORONAL = (POSTERIOR, FEET, LEFT)
SAGITTAL = (LEFT, FEET, POSTERIOR)

SOFT_WINDOW = {"WindowCenter": "40", "WindowWidth": "400"}
LUNG_WINDOW = {"WindowCenter": "-550", "WindowWidth": "1500"}


def demo_patient() -> list[Instance]:
    """Make the instances of the demo patient (Patient ID 99999), and of two others.

    The same bytes every time: radiographs of chest and hip, a CT of the thorax in nine series,
    of which some cannot be one volume (a missing slice, two phases), and an MR of the head.

    Returns
    -------
    list of Instance
        In no order of position.
    """
    return list(_demo_patient())


@cache
def _demo_patient() -> tuple[Instance, ...]:
    """Make them once a process: they are values, and take two seconds."""
    instances = [*_radiographs(), *_thorax_series(), *_brain_series(), *_others()]
    order = np.random.default_rng(99999).permutation(len(instances))
    return tuple(instances[index] for index in order)


def _thorax_series() -> list[Instance]:
    body = anatomy.thorax()
    fine = _axial(3, (64, 160, 160), 2.2)
    thick = _axial(5, (38, 128, 128), 2.75)
    small = _axial(3, (20, 96, 96), 3.6)
    rest = paint(body, anatomy.HOUNSFIELD, fine, -1000)
    early, late = paint_each(body, [anatomy.ARTERIAL, anatomy.PORTAL], thick, -1000)
    native, enhanced = paint_each(body, [anatomy.HOUNSFIELD, anatomy.ARTERIAL], small, -1000)
    coronal = Grid.centred((0, 0, -20), CORONAL, (3, 2.2, 2.2), (54, 88, 160))
    tilted = _tilted(15)
    series = [Series(THORAX, n, text, SOFT_WINDOW) for n, text in enumerate(_THORAX_DESCRIPTIONS, 1)]
    series[2] = Series(THORAX, 3, "AX 3.0 Lung", LUNG_WINDOW, ImplicitVRLittleEndian)
    scout, soft, lung, front, arterial, portal, gap, phases, tilt = series
    return [
        *_scout(scout, rest, fine),
        *_ct(soft, rest, fine, 12),
        *_ct(lung, rest, fine, 40),
        *_ct(front, paint(body, anatomy.HOUNSFIELD, coronal, -1000), coronal, 12),
        *_ct(arterial, early, thick, 9),
        *_ct(portal, late, thick, 9),
        *_without(9, _ct(gap, native, small, 12)),
        *_phases(phases, [native, enhanced], small),
        *_ct(tilt, paint(body, anatomy.HOUNSFIELD, tilted, -1000), tilted, 12, GantryDetectorTilt="15"),
    ]


_THORAX_DESCRIPTIONS = (
    "Scout",
    "AX 3.0 Soft Tissue",
    "AX 3.0 Lung",
    "COR 3.0",
    "AX 5.0 Contrast",
    "AX 5.0 Contrast",
    "AX 3.0 Gap",
    "AX 4D",
    "AX 3.0 Tilt",
)


def _axial(step: float, shape: tuple[int, int, int], pixel: float) -> Grid:
    return Grid.centred((0, 0, -20), AXIAL, (step, pixel, pixel), shape)


def _tilted(degrees: float) -> Grid:
    """Tilt the gantry: the rows lean, while the table still moves along the patient."""
    angle = np.radians(degrees)
    down = as_point(3.6 * np.array([0, np.cos(angle), np.sin(angle)]))
    steps = ((0.0, 0.0, 3.0), down, (3.6, 0.0, 0.0))
    origin = -20 * np.array(SUPERIOR) - np.array([23, 95, 95]) / 2 @ np.array(steps)
    return Grid(as_point(origin), steps, (24, 96, 96))


def _ct(series: Series, volume: Floats, grid: Grid, noise: float, **attributes: Any) -> list[Instance]:
    """Make the slices of a CT series, numbered from the first position."""
    return _slices(series, _stored(volume, noise), grid, attributes)


def _stored(volume: Floats, noise: float) -> NDArray[np.uint16]:
    """Turn CT numbers into stored values, with the noise of a scanner."""
    noisy = volume + np.random.default_rng(1).standard_normal(volume.shape, np.float32) * np.float32(noise)
    return np.asarray(np.clip(np.rint(noisy + 1024), 0, 4095), np.uint16)


def _without(index: int, instances: list[Instance]) -> list[Instance]:
    return instances[:index] + instances[index + 1 :]


def _phases(series: Series, volumes: list[Floats], grid: Grid) -> list[Instance]:
    """Make the phases that share a series: the same positions, another acquisition."""
    pixels = np.concatenate([_stored(volume, 10 + number) for number, volume in enumerate(volumes)])
    own = [
        {
            "AcquisitionNumber": str(phase + 1),
            "AcquisitionTime": f"10200{phase}",
            "TemporalPositionIdentifier": str(phase + 1),
            "ImagePositionPatient": list(grid.position(index)),
        }
        for phase in range(len(volumes))
        for index in range(grid.shape[0])
    ]
    shared = _plane(grid) | {"NumberOfTemporalPositions": str(len(volumes))}
    return series.instances(shared, [each | {"PixelData": plane} for each, plane in zip(own, pixels, strict=True)])


def _slices(series: Series, pixels: NDArray[np.uint16], grid: Grid, attributes: Mapping[str, Any]) -> list[Instance]:
    own = ({"ImagePositionPatient": list(grid.position(k)), "PixelData": plane} for k, plane in enumerate(pixels))
    return series.instances(_plane(grid) | dict(attributes), own)


def _plane(grid: Grid) -> dict[str, Any]:
    between, down, across = grid.spacing()
    orientation = [*grid.direction(2), *grid.direction(1)]
    return {"ImageOrientationPatient": orientation, "PixelSpacing": [down, across], "SliceThickness": between}


def _scout(series: Series, volume: Floats, grid: Grid) -> list[Instance]:
    """Make a localizer: one coronal plane that shows the whole depth."""
    pixels = np.clip(_projection(volume[::-1], 1) * 3200, 0, 4095).astype(np.uint16)
    corner = grid.position(grid.shape[0] - 1)
    shared = {
        "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"],
        "ImageOrientationPatient": [*LEFT, *FEET],
        "ImagePositionPatient": [corner[0], 0, corner[2]],
        "PixelSpacing": [grid.spacing()[0], grid.spacing()[2]],
        "SliceThickness": grid.spacing()[1] * grid.shape[1],
    }
    return series.instances(shared, [{"PixelData": pixels}])


def _brain_series() -> list[Instance]:
    angle = np.radians(12)
    oblique = (
        as_point((0, np.sin(angle), np.cos(angle))),
        as_point((0, np.cos(angle), -np.sin(angle))),
        LEFT,
    )
    sagittal = Grid.centred((0, 0, -10), SAGITTAL, (4, 1.6, 1.6), (40, 144, 144))
    transverse = Grid.centred((0, 0, 0), oblique, (5, 2, 2), (28, 112, 112))
    t1 = Series(BRAIN, 1, "T1 SAG", {"RepetitionTime": "520", "EchoTime": "12"})
    t2 = Series(BRAIN, 2, "T2 TRA", {"RepetitionTime": "4200", "EchoTime": "98"}, RLELossless)
    return [*_mr(t1, anatomy.T1, sagittal), *_mr(t2, anatomy.T2, transverse)]


def _mr(series: Series, signal: Mapping[str, float], grid: Grid) -> list[Instance]:
    """Make the slices of an MR series, with the noise of a magnitude image."""
    volume = paint(anatomy.head(), signal, grid, signal["air"])
    real, imaginary = np.random.default_rng(series.number).standard_normal((2, *grid.shape), np.float32) * 10
    pixels = np.rint(np.hypot(volume + real, imaginary)).clip(0, 4095).astype(np.uint16)
    return _slices(series, pixels, grid, {"WindowCenter": "480", "WindowWidth": "960"})


def _others() -> list[Instance]:
    grid = _axial(6, (24, 64, 64), 5.5)
    namesake = Series(OTHER_THORAX, 2, "AX 3.0 Soft Tissue", SOFT_WINDOW)
    sagittal = Grid.centred((0, 0, -10), SAGITTAL, (10, 3.5, 3.5), (14, 64, 64))
    brain = Series(OTHER_BRAIN, 1, "T1 SAG Übersicht", {"RepetitionTime": "520", "EchoTime": "12"})
    volume = paint(anatomy.thorax(), anatomy.HOUNSFIELD, grid, -1000)
    return [*_ct(namesake, volume, grid, 12), *_mr(brain, anatomy.T1, sagittal)]


def _radiographs() -> list[Instance]:
    return [*_chest_plates(), *_hip_plates()]


def _chest_plates() -> list[Instance]:
    body = anatomy.thorax(shoulders=True)
    front = Grid.centred((0, 0, -10), CORONAL, (8, 2, 2), (32, 184, 188))
    side = Grid.centred((0, 0, -10), SAGITTAL, (9, 2, 2), (36, 184, 134))
    chest = paint(body, anatomy.HOUNSFIELD, front, -1000)
    profile = paint(anatomy.thorax(), anatomy.HOUNSFIELD, side, -1000)
    picc = paint(anatomy.catheter(), anatomy.HOUNSFIELD, front, chest)
    return [
        *_plate(Series(CHEST, 1, "Chest-- PA & Lateral", _view("CHEST", "PA")), 2.0, chest, profile),
        *_plate(Series(CATHETER, 1, "AP Portable", _view("CHEST", "AP")), 2.0, picc),
        *_plate(Series(CATHETER, 2, "PICC Tip", _view("CHEST", "AP")), 2.0, picc[:, 17:110, 51:153]),
    ]


def _hip_plates() -> list[Instance]:
    bones = anatomy.pelvis()
    front = Grid.centred((0, 0, 0), CORONAL, (8, 2, 2), (30, 162, 188))
    side = Grid.centred((-100, 0, -40), SAGITTAL, (8, 2, 2), (18, 128, 120))
    pelvis = paint(bones, anatomy.HOUNSFIELD, front, -1000)
    lateral = paint(bones, anatomy.HOUNSFIELD, side, -1000)
    hip = pelvis[:, 34:162, 8:94]
    return [
        *_plate(Series(HIP, 1, "AP Pelvis", _view("PELVIS", "AP")), 2.0, pelvis),
        *_plate(Series(HIP, 2, "AP Right Hip", _view("HIP", "AP")), 2.0, hip),
        *_plate(Series(HIP, 3, "Lateral Right Hip", _view("HIP", "LL")), 2.0, lateral),
        *_plate(Series(HIP, 4, HIP.description, _view("HIP", "")), 2.0, hip, lateral),
    ]


def _view(body_part: str, position: str) -> dict[str, str]:
    return {"BodyPartExamined": body_part, "ViewPosition": position}


def _plate(series: Series, pixel: float, *volumes: Floats) -> list[Instance]:
    """Expose one plate: the projections of volumes along their slices, side by side."""
    exposed = _doubled(np.concatenate([_projection(volume, 0) for volume in volumes], axis=1))
    noise = np.random.default_rng(series.number).standard_normal(exposed.shape, np.float32) * 12
    pixels = np.clip(exposed * 4095 + noise, 0, 4095).astype(np.uint16)
    spacing = [pixel / 2, pixel / 2]
    shared = {"PixelSpacing": spacing, "ImagerPixelSpacing": spacing, "WindowCenter": "1600", "WindowWidth": "3200"}
    return series.instances(shared, [{"PixelData": pixels}])


def _doubled(image: Floats) -> Floats:
    """Halve the size of the pixels, with the mean of two neighbours between them."""
    for axis in (0, 1):
        image = np.repeat(image, 2, axis)
        following = np.minimum(np.arange(1, image.shape[axis] + 1), image.shape[axis] - 1)
        image = (image + image.take(following, axis)) * np.float32(0.5)
    return image


def _projection(volume: Floats, axis: int) -> Floats:
    """Let rays through; 0 where nothing stops them, near 1 behind much bone or metal."""
    attenuation = np.maximum(volume + 1000, 0) / 1000 + np.maximum(volume - 150, 0) / 900
    return np.asarray((1 - np.exp(-1.9 * attenuation.mean(axis=axis))) ** 2.2)
