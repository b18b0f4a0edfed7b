"""What the package offers: its names, their documentation, and that nothing heavy comes with them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import itkdicomqr
from itkdicomqr import Client, CriteriaError, InputError, NodeError, Row, Volume, errors
from itkdicomqr.testing import Archive

HEAVY = ("itk", "SimpleITK", "pydicom", "pynetdicom", "numpy", "rich", "imagecodecs")


def error_types() -> list[type]:
    return [value for value in vars(errors).values() if getattr(value, "__module__", "") == errors.__name__]


def test_all_is_what_the_modules_offer() -> None:
    of_modules = {name for names in itkdicomqr._HOMES.values() for name in names}
    of_errors = {error.__name__ for error in error_types()}
    assert set(itkdicomqr.__all__) == of_modules | of_errors
    assert len(set(itkdicomqr.__all__)) == len(itkdicomqr.__all__)
    assert set(itkdicomqr.__all__) <= set(dir(itkdicomqr))


@pytest.mark.parametrize("name", itkdicomqr.__all__)
def test_every_name_is_importable_and_documented(name: str) -> None:
    value = getattr(itkdicomqr, name)
    assert value.__name__ == name
    assert len((value.__doc__ or "").strip()) > 10
    assert not (value.__doc__ or "").startswith(f"{name}(")


@pytest.mark.parametrize("name", [name for name in itkdicomqr.__all__ if isinstance(getattr(itkdicomqr, name), type)])
def test_every_public_method_is_documented(name: str) -> None:
    public = {key: value for key, value in vars(getattr(itkdicomqr, name)).items() if not key.startswith("_")}
    undocumented = [key for key, value in public.items() if callable(value) and not value.__doc__]
    assert undocumented == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_serie'"):
        _ = itkdicomqr.load_serie
    with pytest.raises(ImportError):
        exec("from itkdicomqr import load_serie")  # noqa: S102 what a caller would write


@pytest.mark.parametrize("statement", ["import itkdicomqr", "import itkdicomqr.cli", "import itkdicomqr.errors"])
def test_importing_brings_nothing_heavy(statement: str) -> None:
    script = f"{statement}\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("toolkit", ["itk", "SimpleITK"])
def test_a_volume_needs_no_toolkit(demo_archive: Archive, toolkit: str) -> None:
    script = (
        f"import sys\nsys.modules[{toolkit!r}] = None\nimport itkdicomqr\n"
        f"print(itkdicomqr.load_series('99999', '2005', pacs={demo_archive.url!r}, toolkit='volume').array.shape)\n"
        f"try:\n    itkdicomqr.load_series('99999', '2005', pacs={demo_archive.url!r}, toolkit={toolkit.lower()!r})\n"
        "except itkdicomqr.ToolkitError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    shape, refusal = done.stdout.splitlines()
    assert shape.startswith("(1, ")
    assert "is not installed: pip install" in refusal


ROOTS = ("DICOMQRError", "DICOMQRWarning")


def drawn_tree() -> Iterator[tuple[str, str, str]]:
    """Read the docstring's trees: name, parent, and other base."""
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    (?P<branch>[│├└─ ]*)(?P<name>\w+)(?: \((?P<other>\w+)\))?(?: .*)?$", line)
        if found and found["name"] in ROOTS:
            above[0] = found["name"]
            yield found["name"], found["other"] or "Exception", ""
        elif found and found["branch"]:
            depth = len(found["branch"]) // 4
            above[depth] = found["name"]
            yield found["name"], above[depth - 1], found["other"] or ""


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    bases = {error.__name__: [base.__name__ for base in error.__bases__] for error in error_types()}
    real = {(name, first, "".join(others)) for name, (first, *others) in bases.items()}
    assert set(drawn_tree()) == real


@pytest.mark.parametrize(
    ("misspelt", "nearest"),
    [
        ("modalty", "modality"),
        ("gap", "gaps"),
        ("spacing_sources", "spacing_source"),
        ("rescaled", "rescale"),
        ("partly", "partial"),
        ("total_timout", "total_timeout"),
    ],
)
@pytest.mark.parametrize("function", [itkdicomqr.load_series, itkdicomqr.load_volumes])
def test_a_misspelt_option_is_a_type_error_before_anything_is_asked(function: Any, misspelt: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=f"unknown keyword argument '{misspelt}'; did you mean '{nearest}'"):
        function("99999", pacs="NOBODY@127.0.0.1:1", **{misspelt: "x"})


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"toolkit": "vtk"}, "there are 'itk', 'simpleitk', 'volume'"),
        ({"gaps": "ignore"}, "gaps='ignore' is not among 'error', 'average'"),
        ({"tilt": "no"}, "tilt='no'"),
        ({"idle_timeout": -1}, "idle=-1"),
        ({"series": "1.2.3"}, "series='1.2.3' is no row of find_series"),
        ({"date": "tomorrow"}, "is no date"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(words: dict[str, Any], reason: str) -> None:
    identity: dict[str, Any] = {} if "series" in words else {"patient_id": "99999"}
    with pytest.raises(InputError, match=reason):
        itkdicomqr.load_series(**identity, pacs="NOBODY@127.0.0.1:1", **words)


def test_find_series_refuses_a_misspelt_criterion() -> None:
    with pytest.raises(TypeError, match="did you mean 'description'"):
        itkdicomqr.find_series("99999", descripton="AX", pacs="NOBODY@127.0.0.1:1")  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def row(demo_archive: Archive) -> Row:
    return itkdicomqr.find_series("99999", "2021-05-03", "AX 3.0 Soft*", pacs=demo_archive.url).one()


def count_of(row: Row) -> int:
    return int(row.NumberOfSeriesRelatedInstances or 0)


def test_a_row_goes_back_in(row: Row) -> None:
    by_row = itkdicomqr.load_series(series=row, toolkit="volume")
    by_words = itkdicomqr.load_series("99999", "20210503", "ax 3.0 soft tissue", pacs=row.node, toolkit="volume")
    assert np.array_equal(by_row.array, by_words.array)
    assert by_row.origin == by_words.origin
    assert len(itkdicomqr.load_volumes(series=row, pacs=row.node, toolkit="volume")) == 1


def test_a_row_and_criteria_contradict_each_other(row: Row) -> None:
    with pytest.raises(CriteriaError, match="series= is a row already; leave out patient_id, modality"):
        itkdicomqr.load_series("99999", series=row, modality="CT")


def test_a_row_without_a_node_needs_an_archive(row: Row, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("ITKDICOMQR_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("ITKDICOMQR_PACS", raising=False)
    bare = Row(row.level, row.attributes)
    with pytest.raises(NodeError, match="no archive was named"):
        itkdicomqr.load_series(series=bare)
    assert len(itkdicomqr.load_series(series=bare, pacs=row.node, toolkit="volume").array) == count_of(row)


def test_each_toolkit_returns_the_same_image(row: Row) -> None:
    import itk
    import SimpleITK as sitk  # noqa: N813

    volume = itkdicomqr.load_series(series=row, toolkit="volume")
    of_itk = itkdicomqr.load_series(series=row)
    of_simpleitk = itkdicomqr.load_series(series=row, toolkit="simpleitk")
    assert isinstance(volume, Volume)
    assert isinstance(of_itk, itk.Image[itk.SS, 3])
    assert isinstance(of_simpleitk, sitk.Image)
    assert np.array_equal(itk.array_from_image(of_itk), volume.array)
    assert np.array_equal(sitk.GetArrayFromImage(of_simpleitk), volume.array)
    for image in (of_itk, of_simpleitk):
        assert tuple(image.GetSpacing()) == volume.spacing
        assert tuple(image.GetOrigin()) == volume.origin
    assert of_simpleitk.GetDirection() == tuple(volume.direction.ravel())


def test_a_client_is_a_context_manager_of_the_same_functions(row: Row) -> None:
    with Client(row.node) as client:
        client.echo()
        assert client.find_series("99999", "2021-05-03", "AX 3.0 Soft*").one() == row
        assert len(client.load_series(series=row, toolkit="volume").array) == count_of(row)


class Counter:
    """What tqdm's bars have of a bar."""

    total: float | None = None
    done: float = 0

    def update(self, n: float, /) -> None:
        self.done += n


def test_progress_is_told_the_whole_and_every_instance(row: Row) -> None:
    counter = Counter()
    itkdicomqr.load_series(series=row, toolkit="volume", progress=counter)
    assert counter.total == counter.done == count_of(row)


def test_the_search_takes_the_options_of_the_client(demo_archive: Archive) -> None:
    archives = [demo_archive.url, "NOBODY@127.0.0.1:1"]

    table = itkdicomqr.find_series("99999", "2005", pacs=archives, any_archive=True, connect_timeout=5)

    assert [row.StudyDate for row in table] == ["20050106"]
    with pytest.raises(TypeError, match="unknown keyword argument 'any_archives'"):
        itkdicomqr.find_series("99999", pacs=archives, any_archives=True)  # type: ignore[call-arg]
