"""The wheel makes the package a part of ITK's namespace, and takes nothing from it.

They look at environments of their own: the files of an ITK, linked one by one, this project as pip installs it, and
links to whatever else the environment has that runs the tests.
"""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
NAMES = ["dicom_find_series", "dicom_load_series"]
PLUGIN_FILES = {
    "itk/Configuration/DICOMQRConfig.py",
    "itk/Configuration/DICOMQR_snake_case.py",
    "itk/DICOMQRPython.py",
}
CONFIGURATION = {"itk.Configuration.DICOMQRConfig", "itk.Configuration.DICOMQR_snake_case"}

OTHER_ITK = "6.0b2"  # 82 MB to download, hence only when asked for
ITKS = ["running", OTHER_ITK] if os.environ.get("ITKDICOMQR_TEST_ITK6") == "1" else ["running"]


@dataclass(frozen=True)
class Environment:
    """A virtual environment with an ITK, and perhaps with this project."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    @property
    def packages(self) -> Path:
        return next(self.folder.glob("lib/python*/site-packages"))

    @property
    def plugin_files(self) -> set[str]:
        """Whatever of ours lies in ITK's folder."""
        found = (self.packages / "itk").rglob("*DICOMQR*")
        return {str(path.relative_to(self.packages)) for path in found if path.suffix == ".py"}

    def pip(self, *arguments: str) -> None:
        run(self.python, "-I", "-m", "pip", "--disable-pip-version-check", *arguments, cwd=self.folder)

    def install(self, *what: str) -> None:
        self.pip("install", "--no-index", "--no-deps", "--no-build-isolation", *what)

    def tell(self, script: str, **environment: str) -> object:
        """Run a script, and return what it prints as JSON in its last line."""
        return json.loads(run(self.python, "-c", script, cwd=self.folder, **environment).splitlines()[-1])


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ITK", "PIP_"))}
    done = subprocess.run(
        command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment_with(itk: Distribution, folder: Path) -> Environment:
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    for file in itk.files or ():
        if ".." not in file.parts:
            link(environment.packages / file, Path(str(itk.locate_file(file))))
    for entry in Path(str(distribution("itk-core").locate_file(""))).iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith(("itk", "_itkdicomqr")):
            link(environment.packages / entry.name, entry)
    return environment


def link(new: Path, existing: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    if not new.exists():
        new.symlink_to(existing.resolve())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PROJECT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, PROJECT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session", params=ITKS)
def itk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    if request.param == "running":
        return distribution("itk-core")
    folder = tmp_path_factory.mktemp("itk")
    download = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"itk-core=={OTHER_ITK}"]
    subprocess.run([sys.executable, *download], check=True, timeout=900)
    return next(iter(Distribution.discover(name="itk-core", path=[str(folder)])))


@pytest.fixture(scope="session")
def without(itk: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """ITK alone."""
    return environment_with(itk, tmp_path_factory.mktemp("without"))


@pytest.fixture(scope="session")
def environment(itk: Distribution, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """ITK, and this project from its wheel."""
    environment = environment_with(itk, tmp_path_factory.mktemp("with"))
    environment.install(str(wheel))
    return environment


def names_in(archive: Iterable[str]) -> set[str]:
    return {name for name in archive if not name.endswith("/")}


def test_a_wheel_from_the_sdist_is_the_wheel_from_the_checkout(built: Path, wheel: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as from_sdist, zipfile.ZipFile(wheel) as from_checkout:
        assert names_in(from_sdist.namelist()) == names_in(from_checkout.namelist())
        assert {name: from_sdist.read(name) for name in PLUGIN_FILES} == {
            name: from_checkout.read(name) for name in PLUGIN_FILES
        }


def test_the_wheel_holds_the_package_the_plugin_and_the_licence_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = names_in(archive.namelist())
    others = {name for name in names if not name.startswith(("itkdicomqr/", "itkdicomqr-"))}
    assert others == PLUGIN_FILES
    assert "itkdicomqr/py.typed" in names
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


def test_the_sdist_holds_the_sources_of_the_plugin(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"wrapping/{name}" for name in PLUGIN_FILES} <= names


SAME_FUNCTIONS = """
import itk, itkdicomqr, json
print(json.dumps([
    [name for name in dir(itk) if name.startswith("dicom_")],
    itk.dicom_find_series is itkdicomqr.find_series,
    itk.dicom_load_series is itkdicomqr.load_series,
    itk.DICOMQR.dicom_load_series is itkdicomqr.load_series,
]))"""


@pytest.mark.parametrize("how", ["wheel", "editable"])
def test_installing_brings_the_functions_and_uninstalling_leaves_itk_as_it_was(
    itk: Distribution, wheel: Path, tmp_path: Path, how: str
) -> None:
    environment = environment_with(itk, tmp_path)
    environment.install(*{"wheel": [str(wheel)], "editable": ["--editable", str(PROJECT)]}[how])
    assert environment.plugin_files == PLUGIN_FILES
    assert environment.tell(SAME_FUNCTIONS) == [NAMES, True, True, True]
    environment.pip("uninstall", "--yes", "itkdicomqr")
    assert environment.plugin_files == set()
    left = environment.tell(
        "import itk, json; itk.Image; print(json.dumps([n for n in dir(itk) if 'dicom' in n.lower()]))"
    )
    assert left == []


def test_the_package_is_unloaded_until_a_name_is_used(environment: Environment) -> None:
    told = environment.tell("""
import itk, json, sys
before = sorted(name for name in sys.modules if "dicom" in name.lower())
itk.dicom_load_series
print(json.dumps([before, "itkdicomqr" in sys.modules]))""")
    assert told == [sorted(CONFIGURATION), True]


IMPORTED = "import itk, json, sys; print(json.dumps(sorted(sys.modules)))"


@pytest.mark.parametrize("factories", ["1", "0"])
def test_importing_itk_loads_two_modules_of_literals_more(
    environment: Environment, without: Environment, factories: str
) -> None:
    ours, theirs = (
        environment.tell(IMPORTED, ITK_PYTHON_DEFAULTFACTORYLOADING=factories) for environment in (environment, without)
    )
    assert isinstance(ours, list)
    assert isinstance(theirs, list)
    assert set(ours) - set(theirs) == CONFIGURATION
    assert set(theirs) <= set(ours)


NAMESPACE = """
import importlib, itk, json
def use():
    itk.Image
    for name in dir(itk):
        if name in ("dicom_find_series", "dicom_load_series"):
            getattr(itk, name)
use()
importlib.reload(itk)
use()
print(json.dumps({name: str(type(vars(itk)[name])) for name in dir(itk)}))"""


def test_the_namespace_gains_our_names_and_no_others_even_after_a_reload(
    environment: Environment, without: Environment
) -> None:
    ours, theirs = environment.tell(NAMESPACE), without.tell(NAMESPACE)
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    docstring_setters = {f"{name}_init_docstring" for name in NAMES}
    assert set(ours) - set(theirs) == {"DICOMQR", *NAMES, *docstring_setters}
    assert {name: ours[name] for name in theirs} == theirs


def test_without_lazy_loading_the_functions_are_there_at_once(environment: Environment) -> None:
    assert environment.tell(SAME_FUNCTIONS, ITK_PYTHON_LAZYLOADING="False") == [NAMES, True, True, True]


def test_the_names_survive_a_reload(environment: Environment) -> None:
    told = environment.tell("""
import importlib, itk, itkdicomqr, json
itk.dicom_load_series
importlib.reload(itk)
same = [itk.dicom_load_series is itkdicomqr.load_series, itk.dicom_find_series is itkdicomqr.find_series]
print(json.dumps(same))""")
    assert told == [True, True]


@pytest.mark.parametrize("use", ["None", "itk.dicom_load_series"], ids=["unused", "used"])
def test_the_namespace_still_pickles_as_cloudpickle_does_it(environment: Environment, use: str) -> None:
    """Lazy modules by ITK's own reduction, the other modules by name."""
    told = environment.tell(f"""
import importlib, io, itk, json, pickle, subprocess, sys, types
class Pickler(pickle.Pickler):
    def reducer_override(self, thing):
        return (importlib.import_module, (thing.__name__,)) if type(thing) is types.ModuleType else NotImplemented
{use}
sent = io.BytesIO()
Pickler(sent).dump(itk)
script = "import pickle, sys; print(pickle.load(sys.stdin.buffer).__name__, 'itkdicomqr' in sys.modules)"
done = subprocess.run([sys.executable, "-c", script], input=sent.getvalue(), capture_output=True, check=True)
print(json.dumps(done.stdout.decode().split()))""")
    assert told == ["itk", str(use != "None")]


def test_a_function_of_the_namespace_pickles_to_a_process_that_has_not_touched_itk(environment: Environment) -> None:
    told = environment.tell("""
import itk, json, pickle, subprocess, sys
script = "import pickle, sys; f = pickle.load(sys.stdin.buffer); print(f.__name__, 'itk' in sys.modules)"
sent = pickle.dumps(itk.dicom_load_series)
done = subprocess.run([sys.executable, "-c", script], input=sent, capture_output=True, check=True)
print(json.dumps(done.stdout.decode().split()))""")
    assert told == ["load_series", "False"]


def test_threads_that_use_the_names_first_all_get_the_functions(environment: Environment) -> None:
    told = environment.tell("""
import itk, json, threading
from concurrent.futures import ThreadPoolExecutor
gate = threading.Barrier(8)
def use(_):
    gate.wait()
    return itk.dicom_load_series
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(use, range(8)))
import itkdicomqr
print(json.dumps(all(function is itkdicomqr.load_series for function in found)))""")
    assert told is True


def test_the_package_is_imported_in_the_callers_folder_and_not_in_that_of_itk(
    environment: Environment, tmp_path: Path
) -> None:
    """ITK is in its own folder while it loads a module, and a relative entry of the path would lead nowhere."""
    shadow = tmp_path / "itkdicomqr.py"
    shadow.write_text("import os\nload_series = find_series = os.getcwd()\n")
    told = environment.tell(
        f"import json, os, sys; sys.path.insert(0, ''); os.chdir({str(tmp_path)!r}); "
        "import itk; print(json.dumps(itk.dicom_load_series))"
    )
    assert told == str(tmp_path)


def test_a_package_that_cannot_be_imported_says_so_every_time(environment: Environment) -> None:
    told = environment.tell("""
import itk, json, sys
sys.modules["itkdicomqr"] = None
raised = []
for _ in range(2):
    try:
        itk.dicom_load_series
    except Exception as error:
        raised.append(type(error).__name__)
del sys.modules["itkdicomqr"]
print(json.dumps([*raised, itk.dicom_load_series.__name__]))""")
    assert told == ["ModuleNotFoundError", "ModuleNotFoundError", "load_series"]
