"""An archive to try things on: in this process, in memory, with a demo patient or your own files.

It can behave as real archives do that differ from the standard, or from each other: `QUIRKS` tells how.
With pytest, the fixtures ``dicom_archive`` and ``demo_archive`` start it (see `itkdicomqr.pytest_plugin`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from itkdicomqr.archive.quirks import QUIRKS, quirk_of
from itkdicomqr.errors import InstanceError
from itkdicomqr.place import place_of
from itkdicomqr.sources import as_instance, check_several, files_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from itkdicomqr.instance import Instance
    from itkdicomqr.sources import Source

__all__ = ["QUIRKS", "Archive"]


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
    InputError
        The folder or a file cannot be read, something given is no source of an instance, or a quirk is unknown;
        the message lists those that are known.
    InstanceError
        One that is given is damaged.
    OSError
        When it is entered: the port is taken.

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
        source: str | Path | Iterable[Source] | None = None,
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
            self._take(demo_patient() if source is None else source)
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
        for path in files_in(folder):
            try:
                self._index.add(as_instance(path))
            except InstanceError:
                self.skipped += 1

    def _take(self, sources: Iterable[Source]) -> None:
        check_several(sources)
        for source in sources:
            self._index.add(as_instance(source))
