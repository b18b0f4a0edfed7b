"""Keeping what was found of an archive, for later calls."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from itkdicomqr.configuration import configured, is_name, profile_file, settings_of
from itkdicomqr.doctor.diagnosis import Diagnosis
from itkdicomqr.errors import NodeError
from itkdicomqr.node import Node, Timeouts

HEADER = "# What itkdicomqr doctor found to suit {node}; the configuration goes before it.\n"


def save_profile(diagnosis: Diagnosis, name: str = "") -> Path:
    """Write the settings that suit an archive to the file from which its node is completed.

    Parameters
    ----------
    diagnosis : Diagnosis
        What was found.
    name : str
        Of the node; by default the one that the configuration calls it. A name that the
        configuration does not know becomes a node by this.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    NodeError
        The archive has no name, the name is another archive's, the configuration says something else
        of our receiver, or the file cannot be written.
    """
    node, name = diagnosis.node, name or diagnosis.node.name
    if not is_name(name):
        message = f"{name!r} is no name of a node: give one without @, : and /" if name else _NAMELESS.format(node=node)
        raise NodeError(message)
    told = settings_of(name)
    if told is not None and str(configured(name)) != str(node):
        message = f"{name!r} is {configured(name)} in the configuration, not {node}: give another name"
        raise NodeError(message)
    settings = {**(_address(node) if told is None else {}), **_receiver(node, told or {}), **diagnosis.settings}
    # A text or a list of texts is spelt in TOML as in JSON.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in settings.items()]
    return _written(profile_file(name), HEADER.format(node=node) + "".join(lines))


_NAMELESS = "{node} has no name: give one (--save NAME)"


def _address(node: Node) -> dict[str, str]:
    """Give the URL of a node that nothing but a URL tells."""
    told = Node.parse(node.url)
    kept = replace(told, receiver=node.receiver, transports=node.transports, associations=node.associations)
    if replace(node, name="", timeouts=Timeouts()) != kept:
        message = f"{node} has settings that no URL holds: write them into the configuration first, under [nodes.NAME]"
        raise NodeError(message)
    return {"url": node.url}


def _receiver(node: Node, told: Mapping[str, Any]) -> dict[str, str]:
    """Give where our receiver listens, if the configuration leaves it open."""
    if told.get("receiver", node.receiver) != node.receiver:
        message = (
            f"receiver={told['receiver']!r} stands in the configuration of {node}, which goes before a profile: "
            f"write {node.receiver!r} there"
        )
        raise NodeError(message)
    return {"receiver": node.receiver} if node.receiver and "receiver" not in told else {}


def _written(path: Path, text: str) -> Path:
    """Write a file whole, or not at all."""
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror})"
        raise NodeError(message) from None
    return path
