"""A process that holds more descriptors than select() knows: every service and every transport works there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from itkdicomqr.testing import Archive
from tests.dicomweb.serving import serving
from tests.dicomweb.test_whole import BODY, sent, service
from tests.servers import HOST, free_port
from tests.synthetic import series

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not counted there")

MOST_OF_SELECT = 1023
TOO_FEW = 3
"""The exit code of a process that may not open so many."""

SCRIPT = f"""
import os, resource, sys
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
if most != resource.RLIM_INFINITY and most < 1200:
    sys.exit({TOO_FEW})
resource.setrlimit(resource.RLIMIT_NOFILE, (1200, most))
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]

from dataclasses import replace
from itkdicomqr import Client, Node
from tests.retrieval.coming import series_of

url, receiver, transport, associations = sys.argv[1:]
node = replace(Node.parse(url), receiver=receiver)
client = Client(node, transport=transport, associations=int(associations))
client.echo()
print(held[-1], *(each.origin for each in client.retrieve(series_of(node))))
"""


def origins(url: str, transport: str, associations: int = 1, receiver: str = "") -> list[str]:
    """Retrieve in a process of its own, and give where each instance came from."""
    command = [sys.executable, "-c", SCRIPT, url, receiver, transport, str(associations)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=root, check=False)
    if done.returncode == TOO_FEW:
        pytest.skip("this process may not open so many")
    assert done.stderr == ""
    highest, *came = done.stdout.split()
    assert int(highest) > MOST_OF_SELECT
    return came


@pytest.mark.parametrize("associations", [1, 3])
def test_a_series_comes_by_c_get(associations: int) -> None:
    with Archive(series("CT", 6)) as archive:
        assert origins(archive.url, "get", associations) == ["C-GET"] * 6


def test_a_series_comes_by_c_move() -> None:
    port = free_port()
    with Archive(series("CT", 3), destinations={"ITKDICOMQR": (HOST, port)}) as archive:
        assert origins(archive.url, "move", receiver=f"{HOST}:{port}") == ["C-MOVE"] * 3


def test_a_series_comes_by_dicomweb() -> None:
    with serving(service(sent(BODY))) as running:
        assert origins(running.url, "dicomweb") == ["WADO-RS"] * 3
