"""Loading from the command line: a description, an image file, a picture, and nothing else."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import subprocess
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from itkdicomqr import DICOMQRWarning, Volume, load_series
from itkdicomqr.cli.main import commands
from itkdicomqr.cli.options import options_named
from itkdicomqr.testing import Archive
from tests.cli.running import SECONDS, Run, all_shown, start

SOFT = ("99999", "2021-05-03", "AX 3.0 Soft*")
SAGITTAL = ("99999", "2022", "T1 SAG")
TILTED = ("99999", "2021-05-03", "AX 3.0 Tilt")
GAP = ("99999", "2021", "AX 3.0 Gap")


def loaded(archive: Archive, words: tuple[str, str, str]) -> Volume:
    volume: Volume = load_series(*words, pacs=archive.url, toolkit="volume")
    return volume


def all_bytes(path: Path) -> bytes:
    """Give a file's bytes, its compressed part inflated."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    end = content.find(b"\n\n") if path.suffix == ".nrrd" else content.find(b"LOCAL\n") + 4
    inflater = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
    return content[:end] + inflater.decompress(content[end + 2 :])


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".NRRD"])
@pytest.mark.parametrize("words", [SOFT, SAGITTAL])
def test_a_written_image_reads_back_as_the_volume(
    run: Run, demo_archive: Archive, tmp_path: Path, suffix: str, words: tuple[str, str, str]
) -> None:
    path = tmp_path / f"image{suffix}"
    assert run("load", *words, "-o", path).code == 0
    image, volume = sitk.ReadImage(str(path)), loaded(demo_archive, words)
    exact = not suffix.startswith(".nii")
    assert np.array_equal(sitk.GetArrayFromImage(image), volume.array)
    for told, wanted in (
        (image.GetSpacing(), volume.spacing),
        (image.GetOrigin(), volume.origin),
        (image.GetDirection(), volume.direction.ravel()),
    ):
        assert told == pytest.approx(tuple(wanted), rel=0 if exact else 1e-6, abs=1e-12 if exact else 1e-5)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_a_written_image_holds_no_patient_data(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image{suffix}"
    assert run("load", *SOFT, "-o", path).code == 0
    content = path.read_bytes() if suffix == ".nii" else all_bytes(path)
    for secret in (b"Demo^Patient", b"99999", b"19480229", b"Soft Tissue", b"1.2.826.0.1.3680043"):
        assert secret not in content


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_metadata_is_kept_only_when_asked_for(run: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image{suffix}"
    assert run("load", *SOFT, "-o", path, "--keep-metadata").code == 0
    for secret in (b"Demo^Patient", b"99999", b"Soft Tissue"):
        assert secret in path.read_bytes()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    assert reader.GetMetaData("0010|0020").strip() == "99999"


def test_a_sheared_volume_is_refused_for_nifti_and_kept_by_nrrd(
    run: Run, demo_archive: Archive, tmp_path: Path
) -> None:
    for suffix in (".nii", ".nii.gz"):
        outcome = run("load", *TILTED, "-o", tmp_path / f"image{suffix}")
        assert outcome.code == 6
        assert "NIfTI cannot hold the shear" in outcome.err
    assert [*tmp_path.iterdir()] == []
    assert run("load", *TILTED, "-o", tmp_path / "image.nrrd").code == 0
    header = (tmp_path / "image.nrrd").read_bytes().partition(b"\n\n")[0].decode()
    (directions,) = [line for line in header.splitlines() if line.startswith("space directions:")]
    numbers = [float(number) for number in re.findall(r"[-+.0-9e]+", directions.partition(":")[2])]
    with pytest.warns(DICOMQRWarning, match="tilted by 15.00 degrees"):
        volume = loaded(demo_archive, TILTED)
    assert numbers == pytest.approx((volume.direction * volume.spacing).T.ravel(), abs=1e-9)


def test_a_straightened_volume_fits_nifti(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "image.nii.gz"
    outcome = run("load", *TILTED, "--tilt", "resample", "--padding", "-2000", "-o", path, "--json")
    described = json.loads(outcome.out)
    image = sitk.ReadImage(str(path))
    assert list(image.GetSize()) == described["size"]
    assert image.GetSpacing() == pytest.approx(described["spacing"])
    assert image.GetOrigin() == pytest.approx(described["origin"])
    assert image.GetDirection() == pytest.approx(np.ravel(described["direction"]), abs=1e-6)
    assert sitk.GetArrayViewFromImage(image).min() == described["minimum"] == -2000
    assert outcome.err.startswith("itkdicomqr: the line of ImagePositionPatient (0020,0032) is tilted by 15.00 degrees")


@pytest.mark.parametrize(("option", "suffix"), [("-o", ".nrrd"), ("--picture", ".png")])
def test_a_file_that_is_there_is_kept_before_anything_is_asked(
    run: Run, tmp_path: Path, option: str, suffix: str
) -> None:
    path = tmp_path / f"old{suffix}"
    path.write_bytes(b"old")
    outcome = run("load", *SOFT, "-c", "NOBODY@127.0.0.1:1", option, path)
    assert (outcome.code, path.read_bytes()) == (2, b"old")
    assert "exists already: choose another name, or --overwrite it" in outcome.err


def test_a_file_is_replaced_as_a_whole_if_asked_for(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "image.nrrd"
    path.write_bytes(b"old")
    assert run("load", *TILTED, "-n", "8", "-o", path, "--overwrite").code == 3
    assert path.read_bytes() == b"old"
    assert run("load", *SOFT, "-o", path, "--overwrite").code == 0
    assert path.read_bytes().startswith(b"NRRD")
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("option", ["-o", "--picture"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("image.dcm", "give a file that ends with"),
        ("image", "give a file that ends with"),
        ("folder{}", "give a file that ends with"),
        ("nowhere/image{}", "nothing can be written to"),
        ("file/image{}", "nothing can be written to"),
        ("readonly/image{}", "nothing can be written to"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_asked(
    run: Run, tmp_path: Path, option: str, target: str, reason: str
) -> None:
    suffix = ".nrrd" if option == "-o" else ".png"
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "readonly").mkdir(mode=0o555)
    if target.startswith("readonly") and os.access(tmp_path / "readonly", os.W_OK):
        pytest.skip("whoever runs this may write to read-only folders")
    outcome = run("load", *SOFT, "-c", "NOBODY@127.0.0.1:1", option, tmp_path / target.format(suffix))
    assert outcome.code == 2
    assert reason in outcome.err


def test_a_folder_of_the_kernel_takes_no_image(run: Run) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc here")
    assert run("load", *SOFT, "-c", "NOBODY@127.0.0.1:1", "-o", "/proc/self/image.nrrd").code == 2


def test_the_description_tells_the_geometry_and_no_patient(run: Run, demo_archive: Archive) -> None:
    slices, rows, columns = loaded(demo_archive, SOFT).array.shape
    outcome = run("load", *SOFT)
    told = {line.split("  ")[0]: line for line in outcome.out.splitlines()}
    assert f"{columns}  {rows}  {slices}" in told["size"]
    assert "2.2  2.2  3" in told["spacing"]
    assert "1  0  0, 0  1  0, 0  0  1" in told["direction"]
    assert f"{slices} by C-GET" in told["origins"]
    for secret in ("Demo", "99999", "2021", "Soft"):
        assert secret not in outcome.out


def test_json_describes_the_volume(run: Run, demo_archive: Archive) -> None:
    described: dict[str, Any] = json.loads(run("load", *SOFT, "--json").out)
    volume = loaded(demo_archive, SOFT)
    assert described["size"] == [*reversed(volume.array.shape)]
    assert tuple(described["spacing"]) == volume.spacing
    assert tuple(described["origin"]) == volume.origin
    assert described["direction"] == volume.direction.tolist()
    assert (described["minimum"], described["maximum"]) == (volume.array.min(), volume.array.max())
    assert described["instances"] == len(volume.array)


@pytest.mark.parametrize("volume", [0, 1])
def test_one_of_several_volumes_is_picked_as_the_message_says(run: Run, volume: int) -> None:
    message = run("load", "99999", "2021", "AX 4D").err
    assert f"volume={volume}: " in message
    outcome = run("load", "99999", "2021", "AX 4D", f"--volume={volume}", "--json")
    assert f"×{json.loads(outcome.out)['instances']} voxels" in message


@pytest.mark.parametrize(
    "picks",
    [
        ["--volume", "AcquisitionNumber=2"],
        ["-v", "AcquisitionNumber=2", "-v", "TemporalPositionIdentifier=2"],
        ["-v", "AcquisitionNumber=2, TemporalPositionIdentifier=2"],
    ],
)
def test_a_volume_is_picked_by_its_values(run: Run, demo_archive: Archive, picks: list[str]) -> None:
    outcome = run("load", "99999", "2021", "AX 4D", *picks, "--json")
    second: Volume = load_series("99999", "2021", "AX 4D", pacs=demo_archive.url, toolkit="volume", volume=1)
    assert json.loads(outcome.out)["maximum"] == second.array.max()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_stack_is_written_in_four_dimensions(run: Run, demo_archive: Archive, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image{suffix}"
    outcome = run("load", "99999", "2021", "AX 4D", "--stack", "-o", path, "--picture", tmp_path / "p.png", "--json")
    stacked: Volume = load_series("99999", "2021", "AX 4D", pacs=demo_archive.url, toolkit="volume", stack=True)
    image = sitk.ReadImage(str(path))
    assert json.loads(outcome.out)["size"] == [*reversed(stacked.array.shape)] == [*image.GetSize()]
    assert np.array_equal(sitk.GetArrayFromImage(image), stacked.array)
    assert image.GetSpacing() == pytest.approx(stacked.spacing)


def test_options_of_the_assembly_are_passed_on(run: Run) -> None:
    outcome = run("load", *TILTED, "--tilt", "itk", "--json")
    direction = np.array(json.loads(outcome.out)["direction"])
    assert np.allclose(direction.T @ direction, np.eye(3))
    cures = "--gaps pad, --gaps resample, --gaps split, --gaps average"
    assert f"On the command line: {cures}\n" in run("load", *GAP).err
    assert run("load", *GAP, "--gaps", "average").code == 0
    padded, resampled = (run("load", *GAP, "--gaps", choice, "--json") for choice in ("pad", "resample"))
    assert json.loads(padded.out)["size"] == json.loads(resampled.out)["size"]


def test_what_came_is_taken_if_asked_for(run: Run) -> None:
    with Archive(quirks="unsendable-by-cget=1") as archive:
        refused = run("load", *SAGITTAL, "-c", archive.url)
        taken = run("load", *SAGITTAL, "-c", archive.url, "--partial", "--gaps", "pad", "--json")
    assert (refused.code, refused.err.splitlines()[-1]) == (5, "On the command line: --partial")
    assert json.loads(taken.out)["instances"] == 39


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("partial=True takes what came", ["--partial"]),
        ("compressed on the way: allow_lossy=True takes them; partial=True", ["--allow-lossy", "--partial"]),
        ("gaps='split' gives each part, tilt='itk' ITK's axes", ["--gaps split", "--tilt itk"]),
        ("pick one with volume=\n  volume=0: 3 voxels\n  volume=1", ["--volume N, or --volume KEYWORD=VALUE"]),
        ("nothing came for 5 s", []),
    ],
)
def test_the_cure_that_a_message_names_is_spelt_as_an_option(message: str, options: list[str]) -> None:
    assert options_named(message, commands.commands["load"]) == options


@pytest.mark.parametrize("choice", [["--transport", "fax"], ["--associations", "0"], ["--transport", "move"]])
def test_a_way_that_cannot_be_meant_is_bad_input(run: Run, choice: list[str]) -> None:
    assert run("load", *SOFT, *choice).code == 2


@pytest.mark.parametrize("choice", [["--transport", "get"], ["--associations", "2"], ["--no-heal"], ["--allow-lossy"]])
def test_how_a_series_may_come_is_chosen(run: Run, choice: list[str]) -> None:
    assert run("load", *SAGITTAL, *choice).code == 0


def test_progress_is_drawn_on_stderr_alone(demo_archive: Archive) -> None:
    ours, theirs = pty.openpty()
    with start("load", *SOFT, "-c", demo_archive.url, "--json", stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        drawn = all_shown(ours)
        out, _ = process.communicate(timeout=SECONDS)
    assert json.loads(out)["instances"] > 1
    assert "retrieving" in drawn


def test_progress_can_be_left_out_and_asked_for(run: Run) -> None:
    assert run("load", *SOFT, "--no-progress").err == ""
    outcome = run("load", *SOFT, "--progress", "--json")
    assert json.loads(outcome.out)["instances"] > 1


def test_a_picture_is_written_only_when_asked_for(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("load", *SOFT).code == 0
    assert [*tmp_path.iterdir()] == []
    assert run("load", *SOFT, "--picture", "planes.png").code == 0
    assert imagecodecs.png_decode((tmp_path / "planes.png").read_bytes()).ndim == 2
