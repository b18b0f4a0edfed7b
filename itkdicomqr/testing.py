"""An archive to try things on: in this process, in memory, with a demo patient or your own files.

It can behave as real archives do that differ from the standard, or from each other: `QUIRKS` tells how.
With pytest, the fixtures ``dicom_archive`` and ``demo_archive`` start it (see `itkdicomqr.pytest_plugin`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from itkdicomqr.archive.quirks import QUIRKS, quirk_of
from itkdicomqr.errors import CorruptInstanceError, InputError, InstanceError
from itkdicomqr.instance import Instance
from itkdicomqr.place import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from pydicom.dataset import Dataset

__all__ = ["QUIRKS", "Archive"]

Item = Instance | bytes | bytearray | memoryview | str | Path


class Archive:
    """A DICOM archive that answers on a port of this machine, as a context manager.

    It verifies (C-ECHO), answers queries (C-FIND), retrieves (C-GET, C-MOVE) and stores (C-STORE),
    of both the Patient Root and the Study Root model, and matches as PS3.4 C.2.2.2 says. It holds
    everything in memory and writes no file.

    Parameters
    ----------
    source : path, or iterable of Instance, Dataset, bytes or path, optional
        What it holds: a folder, which is searched with its subfolders, though never through a
        symbolic link; or instances. The demo patient by default.
    quirks : str or iterable of str, optional
        How it differs: names of `QUIRKS` with commas between them, those with a parameter as
        ``name=value`` or ``name-7``; or the name of an archive that was looked at, such as ``like-orthanc``.
    ae_title : str, optional
        Its AE title; a peer that calls it otherwise is rejected.
    port : int, optional
        Where it listens; by default a free port.
    host : str, optional
        The address at which it listens. Only this machine reaches the default.
    destinations : mapping of str to (str, int), optional
        Where it may send by C-MOVE: host and port by AE title.

    Attributes
    ----------
    QUIRKS : mapping of str to str
        What each quirk does.
    skipped : int
        How many files of the folder are no DICOM instances.

    Raises
    ------
    InstanceError
        Something given, other than by a folder, is no instance.
    OSError
        The port is taken.
    ValueError
        A quirk is unknown; the message lists those that are known.

    Examples
    --------
    >>> from itkdicomqr.testing import Archive
    >>> with Archive() as archive:
    ...     image = itkdicomqr.load_series("99999", "2005-01-06", "Chest-- PA & Lateral",
    ...                                    pacs=archive.url)  # doctest: +SKIP
    >>> with Archive(quirks="caps-at-500, ignores-description") as archive:
    ...     ...  # doctest: +SKIP
    """

    QUIRKS = QUIRKS

    def __init__(
        self,
        source: str | Path | Iterable[Item | Dataset] | None = None,
        *,
        quirks: str | Iterable[str] = "",
        ae_title: str = "DEMO",
        port: int = 0,
        host: str = "127.0.0.1",
        destinations: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        from itkdicomqr.archive.index import Index
        from itkdicomqr.archive.phantom import demo_patient
        from itkdicomqr.archive.server import Server

        self.skipped = 0
        self._index = Index()
        if isinstance(source, str | Path):
            self._take_folder(Path(source))
        else:
            for instance in demo_patient() if source is None else map(_instance_of, source):
                self._index.add(instance)
        self._server = Server(
            self._index,
            ae_title=ae_title,
            host=host,
            port=port,
            destinations=destinations,
            quirk=quirk_of(quirks),
        )

    @property
    def url(self) -> str:
        """Where it is, as ``pacs=`` takes it."""
        return f"dicom://{quote(self._server.ae_title, safe='')}@{place_of(self._server.host, self.port)}"

    @property
    def port(self) -> int:
        """The port at which it listens, once entered."""
        return self._server.port

    @property
    def instances(self) -> list[Instance]:
        """What it holds now, with what was stored to it, in the order in which it came."""
        return [entry.instance for entry in self._index.entries()]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def _take_folder(self, folder: Path) -> None:
        for path in _files_in(folder):
            try:
                self._index.add(Instance.from_part10(path.read_bytes()))
            except InstanceError:
                self.skipped += 1
            except OSError as error:
                message = f"{path} cannot be read ({error.strerror})"
                raise InputError(message) from None


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _files_in(path)
        elif path.is_file():
            yield path


def _instance_of(item: Item | Dataset) -> Instance:
    if isinstance(item, Instance):
        return item
    if isinstance(item, bytes | bytearray | memoryview):
        return Instance.from_part10(item)
    if isinstance(item, str | Path):
        return Instance.from_part10(Path(item).read_bytes())
    if hasattr(item, "file_meta"):
        return Instance.from_dataset(item)
    message = (
        f"a {type(item).__name__} is no DICOM instance: give an Instance, a Dataset, the bytes of a file or a path"
    )
    raise CorruptInstanceError(message)
