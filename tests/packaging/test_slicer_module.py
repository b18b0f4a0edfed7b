"""The module of 3D Slicer, as far as it can be tested without: where voxels go, and what Slicer is asked to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from itkdicomqr import DICOMQRError, read_volumes
from itkdicomqr.testing import Archive
from tests.synthetic import OBLIQUE, series

FOLDER = Path(__file__).parents[2] / "wrapping" / "slicer" / "DICOMQR"


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("DICOMQR", "dicomqr_lib")]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def module_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module's folder on the path, as Slicer puts it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    forget()


@pytest.fixture
def slicer(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """A stand-in for Slicer, that takes note of what it is asked to do."""
    bases = ModuleType("slicer.ScriptedLoadableModule")
    for kind in ("", "Widget", "Logic"):
        setattr(bases, f"ScriptedLoadableModule{kind}", type(f"ScriptedLoadableModule{kind}", (), {}))
    stand_in = MagicMock()
    names = {"slicer": stand_in, "slicer.ScriptedLoadableModule": bases, "qt": MagicMock(), "ctk": MagicMock()}
    for name, module in names.items():
        monkeypatch.setitem(sys.modules, name, module)
    stand_in.util.vtkMatrixFromArray = lambda array: array
    return stand_in


def test_each_voxel_is_where_its_header_puts_it() -> None:
    """PS3.3 C.7.6.2.1.1, with the first two coordinates of RAS turned round."""
    slices = series("MR", 5, orientation=OBLIQUE, step=2.5, PixelSpacing=["0.8", "0.6"])
    (volume,) = read_volumes(slices)
    array, ijk_to_ras = import_module("dicomqr_lib.placement").voxels_and_placement(volume)
    row, column = np.array(OBLIQUE[:3], float), np.array(OBLIQUE[3:], float)
    by_uid = {dataset.SOPInstanceUID: dataset for dataset in slices}
    for k, uid in enumerate(volume.report.sop_instance_uids):
        first = np.array(by_uid[uid].ImagePositionPatient, float)
        for i, j in ((0, 0), (3, 0), (0, 4), (6, 5)):
            lps = first + row * 0.6 * i + column * 0.8 * j
            assert ijk_to_ras @ (i, j, k, 1) == pytest.approx([-lps[0], -lps[1], lps[2], 1])
    assert array is volume.array


def test_the_logic_makes_a_node_of_the_series(slicer: MagicMock, demo_archive: Archive) -> None:
    logic: Any = import_module("DICOMQR").DICOMQRLogic()
    node = logic.load(patient_id="99999", date="2021-05-03", description="AX 3.0 Soft*", pacs=demo_archive.url)
    assert slicer.mrmlScene.AddNewNodeByClass.call_args.args[0] == "vtkMRMLScalarVolumeNode"
    given, array = slicer.util.updateVolumeFromArray.call_args.args
    assert given is node
    assert array.shape == (64, 160, 160)
    assert np.diag(node.SetIJKToRASMatrix.call_args.args[0]) == pytest.approx([-2.2, -2.2, 3, 1])


def test_what_fails_makes_no_node(slicer: MagicMock) -> None:
    with pytest.raises(DICOMQRError):
        import_module("DICOMQR").DICOMQRLogic().load(patient_id="1", pacs="NOBODY@127.0.0.1:1")
    assert not slicer.mrmlScene.mock_calls
