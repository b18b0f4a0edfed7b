"""What is done to encoded files: bytes, elements, the values that decide, codestreams."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from itkdicomqr.errors import DICOMQRError
from itkdicomqr.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Damage = Callable[[bytes, Random], bytes]

MOST_DAMAGES = 3
PREFIX = 132
"""The preamble and its mark, without which nothing is looked at."""

DECIDING = {
    "text": (
        0x00080008,
        0x00080016,
        0x00080060,
        0x0020000D,
        0x0020000E,
        0x00200052,
        0x00280004,
        0x00080005,
        0x00620001,
        0x00209311,
    ),
    "decimals": (
        0x00180050,
        0x00180081,
        0x00180088,
        0x00181164,
        0x00200013,
        0x00200032,
        0x00200037,
        0x00280008,
        0x00280030,
        0x00281052,
        0x00281053,
        0x3004000C,
        0x3004000E,
    ),
    "words": (
        0x00280002,
        0x00280006,
        0x00280009,
        0x00280010,
        0x00280011,
        0x00280100,
        0x00280101,
        0x00280102,
        0x00280103,
        0x00280120,
        0x00281101,
        0x00281102,
        0x00283002,
        0x00540080,
        0x0062000B,
        0x00620004,
        0x0019100A,
        0x00186024,
    ),
    "bytes": (
        0x00189087,
        0x00186011,
        0x0018602C,
        0x00281201,
        0x00283000,
        0x00283006,
        0x00291010,
        0x00540022,
        0x00620002,
        0x52009229,
        0x52009230,
        0x00020010,
        0x7FE00010,
    ),
}
"""The elements that decide of the image, by how their values are written."""

TEXTS = (
    *("", " ", "\0", "\\\\", "MONOCHROME1", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "\xff\xfe"),
    *("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.481.2", "MR", "TILED"),
    *("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.90", "ISO 2022 IR 87", "x" * 60),
)
DECIMALS = (
    *("0", "-0", "1", "-1", "2", "1e-9", "1e300", "-1e300", "1e308", "1e-320", "nan", "inf", "1_0", "", "0.1", "-3"),
    *(
        "65536",
        "99999999999999999999",
        "1\\2\\3",
        "0\\0\\0",
        "1\\0\\0\\0\\1\\0",
        "1e200\\1e200\\1e200",
        "0\\0\\0\\0\\0\\0",
    ),
    *("1e300\\0\\0", "-1e308\\1e308\\0", "0.5\\1e-300", "1e300\\1e300", "1\\0\\0\\0\\1e-4\\1"),
)
WORDS = (0, 1, 2, 3, 7, 8, 9, 11, 12, 15, 16, 17, 24, 31, 32, 33, 64, 255, 256, 1023, 32767, 32768, 60000, 65535)
LENGTHS = (0, 1, 2, 3, 7, 8, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
VRS = (b"OB", b"OW", b"SQ", b"UN", b"US", b"SS", b"FD", b"FL", b"DS", b"IS", b"UI", b"UT", b"AT", b"\0\0", b"zz")


def damaged(files: list[bytes], random: Random) -> list[bytes]:
    """Damage one file of a series, or all in the same way, and shuffle, drop or double some."""
    files = random.sample(files, len(files))
    for _ in range(random.randint(1, MOST_DAMAGES)):
        damage = random.choice(DAMAGES)
        if random.random() < 0.3:
            state = random.getstate()
            files = [_again(damage, content, random, state) for content in files]
        else:
            index = random.randrange(len(files))
            files[index] = damage(files[index], random)
    if random.random() < 0.1:
        files.append(random.choice(files))
    return files


def _again(damage: Damage, content: bytes, random: Random, state: tuple[Any, ...]) -> bytes:
    random.setstate(state)
    return damage(content, random)


def flipped(content: bytes, random: Random) -> bytes:
    """Change single bytes."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        changed[_somewhere(content, random)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
    return bytes(changed)


def cut(content: bytes, random: Random) -> bytes:
    """Take bytes away, at the end or between."""
    start = _somewhere(content, random)
    return content[:start] + (content[start + random.choice((1, 2, 64)) :] if random.random() < 0.5 else b"")


def spliced(content: bytes, random: Random) -> bytes:
    """Put bytes in, its own or others."""
    start, origin = _somewhere(content, random), _somewhere(content, random)
    own = content[origin : origin + random.choice((2, 8, 64, 1024))]
    return content[:start] + (own if random.random() < 0.7 else random.randbytes(8)) + content[start:]


def with_other_length(content: bytes, random: Random) -> bytes:
    """Let an element, item or fragment have another length."""
    return _overwritten(content, random, lambda order: struct.pack(f"{order}I", random.choice(LENGTHS)), back=4)


def with_other_vr(content: bytes, random: Random) -> bytes:
    """Let an element have another VR."""
    return _overwritten(content, random, lambda _: random.choice(VRS), back=random.choice((4, 8)))


def with_other_value(content: bytes, random: Random) -> bytes:
    """Give an element that decides another value, wherever it is, of the same length or of another."""
    kind = random.choice([*DECIDING])
    tag = random.choice(DECIDING[kind])
    found = _places(content, tag)
    if not found:
        return content
    order, at = random.choice(found)
    value = _value(kind, order, random)
    short = content[at + 4 : at + 6] not in {b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF", b"OD"}
    (length,) = struct.unpack_from(f"{order}H", content, at + 6) if short else struct.unpack_from("<I", content, at + 8)
    start, length = at + (8 if short else 12), min(length, len(content))
    if not short or random.random() < 0.5:
        value = (value * (1 + length // max(1, len(value))) if kind == "words" else value.ljust(length))[:length]
        return content[:start] + value + content[start + length :]
    return content[: at + 6] + struct.pack(f"{order}H", len(value)) + value + content[start + length :]


def without(content: bytes, random: Random) -> bytes:
    """Leave out an element that decides, at the top level or not, or give it another tag."""
    found = _places(content, random.choice(DECIDING[random.choice([*DECIDING])]))
    if not found:
        return content
    _, at = random.choice(found)
    return content[: at + 2] + b"\xee\xee" + content[at + 4 :]


def with_other_codestream(content: bytes, random: Random) -> bytes:
    """Change what the first bytes of a codestream claim, or bytes behind them."""
    starts = [at for mark in (b"\xff\x4f\xff\x51", b"\xff\xd8", b"\xfe\xff\x00\xe0") if (at := content.rfind(mark)) > 0]
    if not starts:
        return flipped(content, random)
    at = min(len(content) - 8, random.choice(starts) + random.randrange(random.choice((8, 64, 400))))
    value = random.choice(
        (b"\xff", b"\0", struct.pack(">H", random.choice(WORDS)), struct.pack("<I", 1 << 30), b"\x7f")
    )
    return content[:at] + value + content[at + len(value) :]


DAMAGES: tuple[Damage, ...] = (
    flipped,
    cut,
    spliced,
    with_other_length,
    with_other_vr,
    *(with_other_value,) * 4,
    without,
    *(with_other_codestream,) * 2,
)
"""All of them, those that reach furthest more than once."""


def _somewhere(content: bytes, random: Random) -> int:
    """Choose a byte behind the preamble, mostly of the header."""
    end = len(content) - 1 if random.random() < 0.4 else min(len(content) - 1, PREFIX + 2500)
    return random.randint(min(PREFIX, end), end)


def _overwritten(content: bytes, random: Random, make: Callable[[str], bytes], back: int) -> bytes:
    """Write over what stands some bytes before the value of an element of the top level."""
    try:
        instance = Instance.from_part10(content)
        shift = len(content) - len(instance.encoded)
        order = instance.elements.byte_order
        starts = [start for _, start, _ in instance.elements.outline.places.values()]
    except DICOMQRError:
        return flipped(content, random)
    if not starts:
        return content
    at, value = shift + random.choice(starts) - back, make(order)
    return content[:at] + value + content[at + len(value) :]


def _places(content: bytes, tag: int) -> list[tuple[str, int]]:
    """Return where a tag stands, and in which byte order."""
    places = []
    for order in "<>":
        spelt = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
        at = content.find(spelt, PREFIX)
        while 0 <= at <= len(content) - 12:
            places.append((order, at))
            at = content.find(spelt, at + 4)
    return places


def _value(kind: str, order: str, random: Random) -> bytes:
    if kind == "text":
        return random.choice(TEXTS).encode("latin-1")
    if kind == "decimals":
        return random.choice(DECIMALS).encode()
    if kind == "words":
        return b"".join(struct.pack(f"{order}H", random.choice(WORDS)) for _ in range(random.choice((1, 1, 1, 2, 3))))
    return random.randbytes(random.choice((0, 1, 2, 8, 64)))
