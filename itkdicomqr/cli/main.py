"""The commands."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from itkdicomqr import __version__
from itkdicomqr.cli.exits import COHORT_INCOMPLETE, EXIT_CODES, INTERRUPTED, UNWRITTEN, exit_code
from itkdicomqr.cli.options import (
    IMAGE_SUFFIXES,
    any_archive_option,
    choice_words,
    client_words,
    connect_timeout_option,
    criteria_options,
    criteria_words,
    image_options,
    image_words,
    json_option,
    options_named,
    overwrite_option,
    pacs_options,
    quirks_options,
    transfer_options,
)
from itkdicomqr.errors import AmbiguousSeriesError, DICOMQRError, InputError, NodeError
from itkdicomqr.prose import counted

if TYPE_CHECKING:
    from itkdicomqr.cli.cohort import Outcome

EXIT_CODE_HELP = "\b\nExit codes:\n" + "\n".join(f"{code:5} {meaning}" for code, (meaning, _) in EXIT_CODES.items())

DEMO_PATIENT = "99999"
DEMO_DATE = "2021-05-03"
DEMO_SERIES = "AX 3.0 Soft*"
"""What the demonstration looks for."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why a disk takes no more."""


SERVED_PORT = 11112
"""Where `serve` listens unless told otherwise; DICOM's own among the ports that need no privilege."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, and exit with a code of the table in `exits`.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process where none are given.
    """
    _dump_no_core()
    with _terminated_as_interrupted():
        sys.exit(_run(arguments))


def _dump_no_core() -> None:
    """Have no crash write patients' data into a file."""
    with suppress(ImportError):  # where there are no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _run(arguments: Sequence[str] | None) -> int:
    """Run a command, tell how it failed, and give its exit code."""
    if sys.stderr is None:  # closed: words go nowhere
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 it stays open
    if sys.stdout is None:
        click.echo("itkdicomqr: the output could not be written (it is closed)", err=True)
        return UNWRITTEN
    try:
        code: int = commands.main(arguments, prog_name="itkdicomqr", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except DICOMQRError as error:
        _complain(error, arguments)
        code = exit_code(error)
    except (BrokenPipeError, SystemExit):  # whoever read our output has seen enough (click and rich then exit)
        _leave_stdout()
        code = 0
    except OSError as error:
        if error.errno not in _FULL:
            raise
        click.echo(f"itkdicomqr: the output could not be written ({error.strerror})", err=True)
        _leave_stdout()
        code = UNWRITTEN
    return code


def _leave_stdout() -> None:
    """Keep Python from flushing at its end into what takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end a command as SIGINT does, so that it leaves no half-written file behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _complain(error: DICOMQRError, arguments: Sequence[str] | None) -> None:
    """Print what went wrong; series to choose from with the options that pick them."""
    candidates = error.candidates if isinstance(error, AmbiguousSeriesError) else None
    message = str(error).partition("\n")[0] if candidates else str(error)
    click.echo(f"itkdicomqr: {message}", err=True)
    if candidates:
        from itkdicomqr.cli.show import show_table
        from itkdicomqr.query.table import SeriesTable

        show_table(SeriesTable(tuple(candidates)), stderr=True)
    name = next(word for word in (sys.argv[1:] if arguments is None else arguments) if word in commands.commands)
    cures = [] if isinstance(error, InputError) else options_named(message, commands.commands[name])
    if cures:
        click.echo(f"On the command line: {', '.join(cures)}", err=True)


@click.group(epilog=EXIT_CODE_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def commands() -> None:
    """From a Patient ID, a date and a series description on a PACS to an ITK image."""


@commands.command(epilog=EXIT_CODE_HELP)
@pacs_options
def echo(**words: Any) -> None:
    """Verify that an archive answers (C-ECHO)."""
    from itkdicomqr.client import Client

    client = Client(**client_words(words))
    client.echo()
    for node in client.nodes:
        click.echo(f"{node} answers")


@commands.command(epilog=EXIT_CODE_HELP)
@criteria_options
@json_option
@click.option("--names", is_flag=True, help="Show the patients' names.")
def find(*, as_json: bool, names: bool, **words: Any) -> None:
    """List the series for PATIENT_ID, DATE and DESCRIPTION, each of which may be left out."""
    from itkdicomqr.cli.show import show_json, show_table
    from itkdicomqr.client import Client

    client = Client(**client_words(words))
    table = client.find_series(**criteria_words(words))
    if as_json:
        show_json(table.to_dicts(names=names))
    elif table:
        show_table(table, names=names)
    if table.lost:
        raise table.lost


@commands.command(epilog=EXIT_CODE_HELP)
@criteria_options
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Image file: .nii.gz, .nii, .nrrd or .mha.")
@image_options
@overwrite_option
@click.option("--picture", type=click.Path(path_type=Path), help="PNG of the three middle planes.")
@click.option("--progress/--no-progress", default=None, help="Draw a bar on stderr; the default is: on a terminal.")
@json_option
def load(
    *,
    output: Path | None,
    keep_metadata: bool,
    overwrite: bool,
    picture: Path | None,
    progress: bool | None,
    as_json: bool,
    **words: Any,
) -> None:
    """Load the one series for PATIENT_ID, DATE and DESCRIPTION, and describe its image."""
    from itkdicomqr.cli.picture import write_picture
    from itkdicomqr.cli.show import progress_bar, show_json, show_summary, summary, warnings_shown
    from itkdicomqr.cli.write import PICTURE_SUFFIXES, check_target, write_image
    from itkdicomqr.client import Client

    if output is not None:
        check_target(output, overwrite=overwrite)
    if picture is not None:
        check_target(picture, PICTURE_SUFFIXES, overwrite=overwrite)
    client, options = Client(**client_words(words)), image_words(words)
    with warnings_shown(), progress_bar(shown=sys.stderr.isatty() if progress is None else progress) as bar:
        loaded = client.load_series(**criteria_words(words), **options, toolkit="volume", progress=bar)
    if output is not None:
        write_image(loaded, output, keep_metadata=keep_metadata)
    if picture is not None:
        write_picture(loaded, picture)
    if as_json:
        show_json(summary(loaded))
    else:
        show_summary(loaded)


@commands.command(epilog=EXIT_CODE_HELP)
@criteria_options
@click.option("--png", type=click.Path(path_type=Path), help="Write a PNG, instead of drawing in the terminal.")
@transfer_options
@overwrite_option
def preview(*, png: Path | None, overwrite: bool, **words: Any) -> None:
    """Show the middle slice of the one series for PATIENT_ID, DATE and DESCRIPTION; it alone is retrieved."""
    from itkdicomqr.cli.picture import write_slice
    from itkdicomqr.cli.preview import caption, middle_instance, show_plane, slice_and_window
    from itkdicomqr.cli.show import console, warnings_shown
    from itkdicomqr.cli.write import PICTURE_SUFFIXES, check_target
    from itkdicomqr.client import Client

    if png is not None:
        check_target(png, PICTURE_SUFFIXES, overwrite=overwrite)
    client, choices = Client(**client_words(words)), choice_words(words)
    with warnings_shown():
        volume = middle_instance(client, client.find_series(**criteria_words(words)).one(), **choices)
    plane, window = slice_and_window(volume)
    if png is None:
        show_plane(plane, window, console())
    else:
        write_slice(plane, window, png)
    click.echo(caption(plane))


@commands.command(epilog=EXIT_CODE_HELP)
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the images."
)
@click.option("--format", "suffix", type=click.Choice(IMAGE_SUFFIXES), default=IMAGE_SUFFIXES[0])
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Rows loaded at the same time.")
@image_options
@overwrite_option
@pacs_options
@any_archive_option
@json_option
def cohort(
    *,
    table: Path,
    output: Path,
    suffix: str,
    workers: int,
    keep_metadata: bool,
    overwrite: bool,
    as_json: bool,
    **words: Any,
) -> None:
    """Write one image for each row of the CSV file TABLE, and report.

    Columns are called like the criteria (patient_id, date, description, series_number, ...) or by DICOM
    keywords; 'volume' picks a volume, 'name' names the file. Run again, it goes on where it ended.
    """
    from itkdicomqr.cli.cohort import show_report, wanted_images, written_images
    from itkdicomqr.cli.write import make_folder

    settings, options = client_words(words), image_words(words)
    wanted = wanted_images(table, output, suffix, options)
    make_folder(output)
    outcomes: list[Outcome] = []
    settings |= options
    try:
        outcomes.extend(
            written_images(wanted, settings, workers=workers, keep_metadata=keep_metadata, overwrite=overwrite)
        )
    finally:  # also of an interrupted run
        show_report(outcomes, as_json=as_json)
    if any(outcome.code for outcome in outcomes):
        raise click.exceptions.Exit(COHORT_INCOMPLETE)


@commands.command(epilog=EXIT_CODE_HELP)
@click.argument("node", required=False)
@click.option("--patient-id", "-p", default="", metavar="ID", help="Whose studies to ask about.")
@click.option("--study-uid", default="", metavar="UID", help="Which study; the newest few by default.")
@click.option("--receiver", metavar="HOST:PORT", help="Where to listen for a C-MOVE, as the archive knows us.")
@connect_timeout_option
@click.option("--total-timeout", type=float, default=300, show_default=True, metavar="SECONDS", help="For all of it.")
@click.option(
    "--save",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="Keep what suits the archive for later calls, under the node's name or this one.",
)
@json_option
def doctor(
    *,
    node: str | None,
    patient_id: str,
    study_uid: str,
    receiver: str | None,
    connect_timeout: float | None,
    total_timeout: float,
    save: str | None,
    as_json: bool,
) -> None:
    """Tell what an archive can do, what is wrong, and what cures it.

    NODE is a URL or a configured name. It is asked harmless questions alone, nothing is changed there, and no patient
    data is shown.
    """
    from itkdicomqr.cli.diagnosis import show_diagnosis
    from itkdicomqr.cli.show import show_json
    from itkdicomqr.client import Client
    from itkdicomqr.doctor import examine, save_profile

    chosen, *others = Client(node, connect_timeout=connect_timeout).nodes
    if others:
        message = "the default is several archives: name one of them"
        raise NodeError(message)
    chosen = replace(chosen, receiver=receiver or chosen.receiver)
    diagnosis = examine(chosen, patient_id=patient_id, study_uid=study_uid, seconds=total_timeout)
    if as_json:
        show_json(diagnosis.to_dict())
    else:
        show_diagnosis(diagnosis)
    if save is not None and diagnosis.obstacle is None:
        click.echo(f"kept in {save_profile(diagnosis, save)}", err=True)
    if diagnosis.obstacle is not None:
        raise diagnosis.obstacle


@commands.command(epilog=EXIT_CODE_HELP)
@click.option("--picture", type=click.Path(path_type=Path), help="PNG of the three middle planes.")
@overwrite_option
@quirks_options
def demo(*, picture: Path | None, overwrite: bool, quirks: str) -> None:
    """Find and load a series from an archive that this command starts and fills with a phantom patient."""
    from itkdicomqr.cli.picture import write_picture
    from itkdicomqr.cli.show import show_summary, show_table
    from itkdicomqr.cli.write import PICTURE_SUFFIXES, check_target
    from itkdicomqr.client import Client
    from itkdicomqr.testing import Archive

    if picture is not None:
        check_target(picture, PICTURE_SUFFIXES, overwrite=overwrite)
    with Archive(quirks=quirks) as archive:
        click.echo(f"An archive of {counted(len(archive.instances), 'instance')} listens at {archive.url}\n")
        client = Client(archive.url)
        click.echo(f'find_series("{DEMO_PATIENT}"):')
        show_table(client.find_series(DEMO_PATIENT))
        click.echo(f'load_series("{DEMO_PATIENT}", "{DEMO_DATE}", "{DEMO_SERIES}"):')
        volume = client.load_series(DEMO_PATIENT, DEMO_DATE, DEMO_SERIES, toolkit="volume")
        show_summary(volume)
    if picture is not None:
        write_picture(volume, picture)
        click.echo(f"The three middle planes are in {picture}")


@commands.command(epilog=EXIT_CODE_HELP)
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=SERVED_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen at; 0 for a free one.",
)
@click.option("--ae-title", "-aet", default="ITKDICOMQR", show_default=True, help="What the archive is called.")
@click.option(
    "--destination", "-b", multiple=True, metavar="AE@HOST:PORT", help="Where a C-MOVE may send to; may be repeated."
)
@quirks_options
def serve(
    *, folder: Path | None, host: str, port: int, ae_title: str, destination: tuple[str, ...], quirks: str
) -> None:
    """Offer the DICOM files of FOLDER, or the demo patient: C-ECHO, C-FIND, C-GET, C-MOVE; C-STORE into memory.

    Nothing is written to FOLDER. Ends at Ctrl-C.
    """
    from itkdicomqr.node import Node
    from itkdicomqr.testing import Archive

    Node(host, port or SERVED_PORT, ae_title)  # refuses what cannot be meant
    nodes = [Node.parse(text) for text in destination]
    destinations = {node.ae_title: (node.host, node.port) for node in nodes}
    options: dict[str, Any] = {"ae_title": ae_title, "port": port, "host": host, "destinations": destinations}
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    archive = Archive(folder, quirks=quirks, **options)
    try:
        with archive:
            skipped = f" (files skipped: {archive.skipped})" if folder else ""
            click.echo(f"{counted(len(archive.instances), 'instance')} at {archive.url}{skipped}")
            stopped.wait()
    except OSError as error:
        message = f"cannot listen at {host}:{port} ({error.strerror}): choose another port, or 0 for a free one"
        raise NodeError(message) from None
