"""Every example runs, and prints something; every recipe of the README runs as it stands."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import itkdicomqr
from itkdicomqr.testing import Archive
from tests.synthetic import series, write

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RECIPES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")  # the demo patient's tilted series
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [str(example)])

    runpy.run_path(str(example), run_name="__main__")

    assert capsys.readouterr().out.strip()


@pytest.mark.filterwarnings("ignore::itkdicomqr.DICOMQRWarning")  # the demo patient's tilted series
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.splitlines()[0])
def test_the_recipe_runs(
    recipe: str,
    demo_archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(series("CT", 3), tmp_path / "folder")

    text = recipe.replace("dicom://ORTHANC@pacs.example:4242", demo_archive.url)
    exec(text, {"itkdicomqr": itkdicomqr, "pacs": demo_archive.url})  # noqa: S102 what a reader would do

    assert "Error" not in capsys.readouterr().out
