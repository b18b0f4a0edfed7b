"""What an archive sends without measure costs no more memory than its limit allows, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import zlib
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from pydicom import uid

from itkdicomqr.association.stream import PduType
from itkdicomqr.instance import Instance
from tests.faults import (
    ALL,
    ASKED,
    CLOSE,
    HEAR,
    HOST,
    INSTANCES,
    MORE_DATA,
    SERVICE,
    STORE_BEGUN,
    pdu,
    pdv,
    playing,
    sending,
    stored,
)
from tests.scenes import DEFLATED, DEFLATING, MUST_WORK

STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="memory is told by Linux alone")

MIB = 1 << 20
LIMIT = 16 * MIB
"""Of one instance, as it is sent."""

RATIO = 50
MARGIN = 64 * MIB
BOMB_SIZE = 256 * MIB
"""What inflates: many times what the limits and the margin allow together."""

SCRIPT = f"""
import sys
from pathlib import Path
from itkdicomqr import Limits, Node
from itkdicomqr.errors import DICOMQRError
from itkdicomqr.volume import read_volumes
from tests.faults import PATIENT
from tests.retrieval.coming import brought

def peak():
    (line,) = [each for each in Path({str(STATUS)!r}).read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

port, limit = map(int, sys.argv[1:])
limits = Limits(max_instance_bytes=limit, max_inflate_ratio={RATIO})
node = Node({HOST!r}, port, "FAULTS", timeouts=PATIENT, limits=limits)
read_volumes(brought(node))
before = peak()
try:
    read_volumes(brought(node, heal=False))
except DICOMQRError as error:
    print(type(error).__name__, peak() - before)
else:
    print("none", peak() - before)
"""


def grown(scene: Any, limit: int = LIMIT) -> tuple[str, int]:
    """Bring a sound series, and then this one; give the name of its error, and by how much the peak of memory grew."""
    with playing(MUST_WORK["good"], scene) as stage:
        command = [sys.executable, "-c", SCRIPT, str(stage.port), str(limit)]
        root = Path(__file__).parent.parent
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    kind, growth = done.stdout.split()
    return kind, int(growth)


def deflated(size: int) -> bytes:
    """Deflate so many zeros, of which one block is like the other."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflater.compress(bytes(MIB)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return block * (size // MIB) + deflater.flush()


def claiming(rows: int, columns: int) -> Instance:
    """The first instance, which says that it is so large."""
    dataset = replace(INSTANCES[0]).dataset
    dataset.Rows, dataset.Columns = rows, columns
    return Instance.from_dataset(dataset)


ENCODED = deflated(BOMB_SIZE)
DEFLATE_BOMB = replace(INSTANCES[0], transfer_syntax_uid=str(uid.DeflatedExplicitVRLittleEndian), encoded=ENCODED)
INFLATING = (*DEFLATING, HEAR, stored(DEFLATE_BOMB, DEFLATED))
COMMAND_WITHOUT_END = repeat(pdu(PduType.P_DATA_TF, pdv(SERVICE, 1, bytes(10_000))))

BOMBS: dict[str, tuple[Any, str, int]] = {
    "endless data set": ((*ASKED, STORE_BEGUN, repeat(MORE_DATA)), "LimitExceededError", LIMIT),
    "endless command": ((*ASKED, COMMAND_WITHOUT_END), "LimitExceededError", 0),
    "PDU of 4 GiB": ((*ASKED, pdu(PduType.P_DATA_TF, b"", length=0xFFFFFFFF)), "LimitExceededError", 0),
    "deflate bomb": (INFLATING, "LimitExceededError", RATIO * len(ENCODED)),
    "rows bomb": (sending(stored(claiming(0xFFFF, 0xFFFF)), HEAR, ALL[1:]), "LimitExceededError", 0),
}
"""What an archive sends, how it ends, and how much of it may be held."""


def test_the_deflate_bomb_is_one() -> None:
    inflater = zlib.decompressobj(-15)
    assert len(inflater.decompress(ENCODED)) == BOMB_SIZE > 10 * RATIO * len(ENCODED)
    assert inflater.eof


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_no_more_than_its_limit(bomb: str) -> None:
    scene, kind, limit = BOMBS[bomb]
    told, growth = grown(scene)
    assert told == kind
    assert growth <= limit + MARGIN


def test_what_a_higher_limit_allows_is_seen() -> None:
    count = 2 * (LIMIT + MARGIN) // len(MORE_DATA)
    _, growth = grown((*ASKED, STORE_BEGUN, repeat(MORE_DATA, count), CLOSE), limit=4 * (LIMIT + MARGIN))
    assert growth > LIMIT + MARGIN
