"""Which archives ``pacs=`` names: by a URL, or by their names in the configuration.

The configuration names archives in its tables ``[nodes.NAME]``. Beside it, ``profiles/NAME.toml``
holds what was found to suit an archive (``itkdicomqr doctor NODE --save``), in the same words. A
setting of the configuration goes before one of the profile, and the profile before defaults and the
options within a URL; a profile with a ``url`` is a node by itself.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from itkdicomqr.errors import NodeError
from itkdicomqr.node import Limits, Node, Timeouts
from itkdicomqr.security import TLS, Identity, from_table
from itkdicomqr.web import authorization_of

PACS_VARIABLE = "ITKDICOMQR_PACS"
CONFIGURATION_VARIABLE = "ITKDICOMQR_CONFIG"

Pacs = str | Node | Iterable[str | Node] | None
"""What ``pacs=`` takes: a URL, a configured name, a node, several of these, or None for the default."""


def nodes_of(pacs: Pacs) -> tuple[Node, ...]:
    """Give the nodes that ``pacs=`` means.

    None is the environment variable ``ITKDICOMQR_PACS``, else the configuration's ``default``.

    Raises
    ------
    NodeError
        It means none.
    """
    if pacs is None:
        pacs = os.environ.get(PACS_VARIABLE) or _configuration().get("default")
        if not pacs:
            message = (
                f"no archive was named: give pacs='dicom://AE@host:port', set {PACS_VARIABLE}, "
                f"or name a default in {_configuration_told()}"
            )
            raise NodeError(message)
    if isinstance(pacs, str | Node) or not isinstance(pacs, Iterable):
        return (_node(pacs),)
    nodes = tuple(map(_node, pacs))
    if not nodes:
        message = "pacs=[] names no archive"
        raise NodeError(message)
    return nodes


def configuration_file() -> Path:
    """The TOML file of the named nodes: ``ITKDICOMQR_CONFIG``, else ``config.toml`` in the user's folder."""
    from platformdirs import user_config_path

    named = os.environ.get(CONFIGURATION_VARIABLE)
    return Path(named) if named else user_config_path("itkdicomqr") / "config.toml"


def profile_file(name: str) -> Path:
    """The TOML file of what was found to suit a node, in ``profiles`` beside the configuration."""
    return configuration_file().parent / "profiles" / f"{quote(name, safe='')}.toml"


def is_name(text: str) -> bool:
    """Tell whether ``pacs=`` takes a text for a node's name, and not for a URL."""
    return bool(text) and not re.search("[@:/]", text)


def settings_of(name: str) -> Mapping[str, Any] | None:
    """Give what the configuration itself, without profiles, tells of a node; None if it has none of this name."""
    table = _nodes().get(name)
    return {"url": table} if isinstance(table, str) else table


def _nodes() -> Mapping[str, Any]:
    nodes = _configuration().get("nodes", {})
    if not isinstance(nodes, Mapping):
        message = f"nodes={nodes!r} in {configuration_file()} is no table: write [nodes.NAME]"
        raise NodeError(message)
    return nodes


def _node(pacs: object) -> Node:
    if isinstance(pacs, Node):
        return pacs
    if not isinstance(pacs, str):
        message = f"{pacs!r} names no archive: give a URL, a configured name or a Node"
        raise NodeError(message)
    return configured(pacs) if is_name(pacs) else Node.parse(pacs)


def configured(name: str) -> Node:
    """Give the node that the configuration calls so, completed by its profile.

    Raises
    ------
    NodeError
        There is none, or its settings are wrong.
    """
    told, profile = settings_of(name), _read_toml(profile_file(name))
    if told is None and "url" not in profile:
        known = ", ".join(sorted({*_nodes(), *_profiles()})) or "none"
        message = (
            f"no node is called {name!r} in {_configuration_told()} (known: {known}); or write dicom://AE@host:port"
        )
        raise NodeError(message)
    return _from_table(name, told or {}, profile)


def _profiles() -> list[str]:
    """Name the nodes that have a profile."""
    return [unquote(file.stem) for file in profile_file("").parent.glob("*.toml")]


def _from_table(name: str, told: Mapping[str, Any], profile: Mapping[str, Any]) -> Node:
    try:
        return replace(_endpoint({**profile, **told}), name=name)
    except (TypeError, AttributeError) as error:
        message = f"[nodes.{name}] in {configuration_file()}, or its profile: {error}"
        raise NodeError(message) from None


def _endpoint(table: str | Mapping[str, Any]) -> Node:
    """Read a URL, or a table of the attributes of `Node`, of which ``url`` may give the first."""
    if isinstance(table, str):
        return Node.parse(table)
    _check_keys(table, Node, "url")
    settings = {key: _SETTINGS.get(key, _as_it_is)(value) for key, value in table.items()}
    if "url" in settings:
        node: Node = settings.pop("url")
        return replace(node, **settings)
    return Node(**settings)


def _as_it_is(value: Any) -> Any:
    return value


def _check_keys(table: object, kind: type[Node | Timeouts | Limits], *more: str) -> None:
    """Refuse a setting that there is not; those that there are, are told."""
    known = [each.name for each in fields(kind)] + [*more]
    if not isinstance(table, Mapping):
        message = f"{table!r} is no table of {', '.join(known)}"
        raise TypeError(message)
    unknown = [key for key in table if key not in known]
    if unknown:
        message = f"unknown {', '.join(unknown)}; there are {', '.join(known)}"
        raise TypeError(message)


def _timeouts(table: Mapping[str, Any]) -> Timeouts:
    _check_keys(table, Timeouts)
    return Timeouts(**table)


def _limits(table: Mapping[str, Any]) -> Limits:
    _check_keys(table, Limits)
    return Limits(**table)


def _texts(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _secured(value: Any) -> Any:
    return from_table(TLS, value) if isinstance(value, dict) else value


_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "url": Node.parse,
    "authorization": authorization_of,
    "get": _endpoint,
    "move": _endpoint,
    "store_ae_titles": _texts,
    "transports": _texts,
    "tls": _secured,
    "receiver_tls": _secured,
    "dicomweb_tls": _secured,
    "identity": lambda table: from_table(Identity, table),
    "timeouts": _timeouts,
    "limits": _limits,
}
"""What is made of a setting's TOML value."""


def _configuration() -> dict[str, Any]:
    return _read_toml(configuration_file())


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {error}"
        raise NodeError(message) from None


def _configuration_told() -> str:
    """Name the configuration file, and say so where there is none."""
    path = configuration_file()
    if path.exists():
        return str(path)
    named_by = f", which {CONFIGURATION_VARIABLE} names," if os.environ.get(CONFIGURATION_VARIABLE) else ""
    return f"the configuration, but {path}{named_by} does not exist"
