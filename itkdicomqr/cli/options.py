"""The options that several commands share, and how their values become criteria."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, TypeVar

import click

from itkdicomqr.errors import CriteriaError

Command = TypeVar("Command", bound=Callable[..., Any])

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
"""Of the image files that can be written."""

connect_timeout_option = click.option(
    "--connect-timeout", "-to", type=float, metavar="SECONDS", help="For connection and association."
)

_PACS = (
    click.option(
        "--pacs",
        "-c",
        multiple=True,
        metavar="NODE",
        help="Archive: dicom://AE@host:port, https://host/dicom-web, or the name of a configured node; may be "
        "repeated. Default: $ITKDICOMQR_PACS, then the configuration's default.",
    ),
    connect_timeout_option,
    click.option("--first-response-timeout", type=float, metavar="SECONDS", help="For the first answer."),
    click.option("--idle-timeout", "-td", type=float, metavar="SECONDS", help="Between two bytes."),
    click.option("--total-timeout", type=float, metavar="SECONDS", help="For the whole command."),
)

any_archive_option = click.option(
    "--any-archive", is_flag=True, help="Pass over an archive that fails while another answers."
)

_CRITERIA = (
    click.argument("patient_id", required=False),
    click.argument("date", required=False),
    click.argument("description", required=False),
    click.option("--patient-id", "-p", "patient_id_option", metavar="ID", help="Instead of the first argument."),
    click.option("--date", "-d", "date_option", metavar="DATE", help="2005-01-06, 2005-01, 2005 or 20050101-20050131."),
    click.option(
        "--description", "-D", "description_option", metavar="TEXT", help="With * and ?; '' for series without one."
    ),
    click.option("--modality", "-m", multiple=True, metavar="CODE", help="CT, MR, ...; may be repeated."),
    click.option("--study-uid", metavar="UID", help="Study Instance UID."),
    click.option("--series-uid", metavar="UID", help="Series Instance UID."),
    click.option("--series-number", "-n", type=int, metavar="N", help="Series Number."),
    click.option("--series-date", metavar="DATE", help="Series Date."),
    click.option("--study-description", metavar="TEXT", help="Study Description, with * and ?."),
    click.option("--protocol-name", metavar="TEXT", help="Protocol Name, with * and ?."),
    click.option("--accession-number", metavar="TEXT", help="Accession Number, taken literally."),
    click.option("--patient-name", metavar="NAME", help="Patient's Name, with * and ?."),
    click.option("--issuer-of-patient-id", metavar="TEXT", help="Issuer of Patient ID, taken literally."),
    click.option(
        "--key",
        "-k",
        "keys",
        multiple=True,
        metavar="KEYWORD=VALUE",
        help="Any other attribute: BodyPartExamined=CHEST.",
    ),
    any_archive_option,
)


def _list_quirks(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    if not wanted:
        return
    from itkdicomqr.archive.quirks import QUIRKS

    for name, does in QUIRKS.items():
        click.echo(f"{name:40} {does}")
    context.exit()


_QUIRKS = (
    click.option(
        "--quirks",
        default="",
        metavar="NAME,...",
        help="How the archive differs: caps-at-500, no-cget, like-orthanc, ...",
    ),
    click.option(
        "--list-quirks",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_list_quirks,
        help="Tell what each of them does, and end.",
    ),
)

_TRANSFER = (
    click.option("--transport", metavar="get|move|dicomweb", help="The only way by which a series may come."),
    click.option("--associations", type=int, metavar="N", help="Share a series among so many associations at most."),
    click.option("--heal/--no-heal", default=None, help="Whether to ask again, in other ways, for what is missing."),
    click.option("--partial", is_flag=True, default=None, help="Take what came, where not all comes."),
    click.option(
        "--allow-lossy", is_flag=True, default=None, help="Take what the archive compressed with loss on the way."
    ),
)

_IMAGES = (
    click.option("--gaps", metavar="error|pad|resample|split|average", help="What to do about missing slices."),
    click.option("--tilt", metavar="shear|resample|error|itk", help="What to do about a tilted gantry."),
    click.option("--mosaic", metavar="volume|tiles", help="Whether a mosaic is taken apart."),
    click.option("--padding", type=float, metavar="VALUE", help="Of voxels that no slice came for."),
    click.option(
        "--volume",
        "-v",
        multiple=True,
        metavar="N|KEYWORD=VALUE",
        help="Which volume, if the series holds several: EchoTime=4.6; may be repeated, or have commas.",
    ),
    click.option("--stack", is_flag=True, help="Make the volumes of one grid one of four dimensions."),
    click.option(
        "--keep-metadata", is_flag=True, help="Write the DICOM dictionary, with the patient's name, into the file."
    ),
)

_CURE = re.compile(r"\b(\w+)=(?:'(\w+)'|True)?")
"""How messages name a keyword argument as a cure."""

_OF_VOLUME = "N, or --volume KEYWORD=VALUE"

PICKING_OPTIONS = {"series_number": "-n", "date": "-d", "series_uid": "--series-uid"}
"""The options that pick a series, by keyword argument."""

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist already.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def pacs_options(command: Command) -> Command:
    """Add the options that name an archive and its timeouts."""
    return _decorated(command, _PACS)


def criteria_options(command: Command) -> Command:
    """Add the arguments and options that select a series."""
    return _decorated(command, (*_CRITERIA, *_PACS))


def transfer_options(command: Command) -> Command:
    """Add the options that tell how a series comes."""
    return _decorated(command, _TRANSFER)


def image_options(command: Command) -> Command:
    """Add the options that tell how a series comes, and how images are made of it."""
    return _decorated(command, (*_TRANSFER, *_IMAGES))


def options_named(message: str, command: click.Command) -> list[str]:
    """Spell the keyword arguments that a message names as options of a command: ``--partial`` for ``partial=True``."""
    from itkdicomqr.words import CHOICES, OPTIONS

    cures = CHOICES | OPTIONS | {"volume", "stack"}
    options = {each.name: each.opts[0] for each in command.params if each.name in cures}
    named = [(name, value) for name, value in _CURE.findall(message) if name in options]
    values = ((name, _OF_VOLUME if name == "volume" else value) for name, value in named)
    return [*dict.fromkeys(f"{options[name]} {value}".rstrip() for name, value in values)]


def quirks_options(command: Command) -> Command:
    """Add the options that make the embedded archive differ from the standard."""
    return _decorated(command, _QUIRKS)


def client_words(words: dict[str, Any]) -> dict[str, Any]:
    """Take the client's settings out of the words of a command."""
    from itkdicomqr.functions import client_options

    return {"pacs": list(words.pop("pacs")) or None, **client_options(words)}


def choice_words(words: dict[str, Any]) -> dict[str, Any]:
    """Take the keyword arguments that say how a series is brought out of the words of a command."""
    from itkdicomqr.words import CHOICES

    return _given(words, CHOICES)


def image_words(words: dict[str, Any]) -> dict[str, Any]:
    """Take the keyword arguments of `load_series` that bring a series and make its image out of a command's words."""
    from itkdicomqr.words import CHOICES, OPTIONS

    given = _given(words, CHOICES | OPTIONS)
    return {**given, "volume": picked_volume(words.pop("volume")), "stack": words.pop("stack")}


def _given(words: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    taken = {name: words.pop(name) for name in names & words.keys()}
    return {name: value for name, value in taken.items() if value is not None}


def picked_volume(texts: Iterable[str]) -> int | dict[str, str] | None:
    """Read which volume is meant: an index, or values that tell it apart.

    Raises
    ------
    CriteriaError
        It is neither.
    """
    parts = [part.strip() for text in texts for part in re.split(r",(?=\s*\w+=)", text)]
    if len(parts) == 1 and re.fullmatch("[0-9]+", parts[0]):
        return int(parts[0])
    return _by_keyword("--volume", parts, "EchoTime=4.6, or a number, counted from 0") or None


def criteria_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """Make the keyword arguments of a search from those of a command.

    Raises
    ------
    CriteriaError
        One is given twice, or a key is not spelt ``KEYWORD=VALUE``.
    """
    criteria = {name: value for name, value in words.items() if not name.endswith("_option")}
    for name in ("patient_id", "date", "description"):
        option = words[f"{name}_option"]
        if option is not None and criteria[name] is not None:
            message = f"{name} is given twice: {criteria[name]!r} and {option!r}"
            raise CriteriaError(message)
        criteria[name] = criteria[name] if option is None else option
    criteria["modality"] = list(words["modality"]) or None
    criteria["keys"] = _by_keyword("-k", words["keys"], "BodyPartExamined=CHEST")
    return criteria


def _by_keyword(option: str, texts: Iterable[str], example: str) -> dict[str, str]:
    """Read what an option says of attributes."""
    values: dict[str, str] = {}
    for text in texts:
        keyword, equals, value = text.partition("=")
        if not equals:
            message = f"{option} {text!r}: write KEYWORD=VALUE, such as {example}"
            raise CriteriaError(message)
        if keyword in values:
            message = f"{option} names {keyword} twice"
            raise CriteriaError(message)
        values[keyword] = value
    return values


def _decorated(command: Command, decorators: tuple[Callable[[Command], Command], ...]) -> Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command
