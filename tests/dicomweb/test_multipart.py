"""The parts of a multipart body: the same whatever the chunks, and none that may have been cut."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, pairwise, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.dicomweb.multipart import MAX_HEADER_BYTES, MAX_PREAMBLE_BYTES, parts
from itkdicomqr.errors import ConnectionLostError, LimitExceededError, NetworkError, ProtocolError
from tests.dicomweb.serving import BOUNDARY, multipart

DELIMITER = f"\r\n--{BOUNDARY}".encode()
FRAGMENTS = st.sampled_from(
    [b"\r\n", b"\r", b"\n", b"--", BOUNDARY.encode(), f"--{BOUNDARY}".encode(), b"\r\n--20-ab", b"x"]
)
CONTENTS = st.one_of(
    st.binary(max_size=300), st.lists(FRAGMENTS, max_size=12).map(b"".join).filter(lambda each: DELIMITER not in each)
)
HEADERS = st.sampled_from(
    [
        "Content-Type: application/dicom",
        "Content-Type: application/dicom\r\ncontent-LENGTH:{}\r\nMIME-Version: 1.0",
        "Content-Length: {}",
        "Content-Length: 3",
        "Content-Length: 99999",
    ]
)


def cut(body: bytes, at: list[int]) -> Iterator[bytes]:
    borders = [0, *sorted(min(each, len(body)) for each in at), len(body)]
    return (body[begin:end] for begin, end in pairwise(borders))


def read(body: bytes, at: list[int] | None = None, limit: int = 1 << 20) -> list[bytes]:
    return [bytes(each) for each in parts(cut(body, at or []), BOUNDARY.encode(), limit)]


@given(st.lists(CONTENTS, max_size=4), HEADERS, st.lists(st.integers(0, 2000), max_size=40))
def test_any_split_into_chunks_gives_the_same_parts(contents: list[bytes], header: str, at: list[int]) -> None:
    assert read(multipart(contents, header=header), at) == contents


@given(st.lists(CONTENTS, min_size=1, max_size=3), HEADERS)
def test_byte_by_byte_gives_the_same_parts(contents: list[bytes], header: str) -> None:
    body = multipart(contents, header=header)
    assert read(body, list(range(len(body)))) == contents


@given(st.lists(CONTENTS, min_size=1, max_size=3), HEADERS, st.integers(1, 10_000))
def test_a_body_that_is_cut_never_gives_a_part_that_was_not_sent(
    contents: list[bytes], header: str, missing: int
) -> None:
    body = multipart(contents, header=header)
    body = body[: max(0, len(body) - missing)]
    came: list[bytes] = []
    with pytest.raises(ConnectionLostError, match="closing boundary"):
        came.extend(map(bytes, parts(iter([body]), BOUNDARY.encode(), 1 << 20)))
    assert came == contents[: len(came)]


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=20))
def test_garbage_is_parts_or_an_error_of_the_network(garbage: bytes, at: list[int]) -> None:
    for body in (garbage, f"--{BOUNDARY}\r\n".encode() + garbage):
        with suppress(NetworkError, LimitExceededError):
            read(body, at)


def test_a_part_comes_as_soon_as_its_delimiter_did() -> None:
    def never_ending() -> Iterator[bytes]:
        yield multipart([b"first"], end="\r\n")
        pytest.fail("more was read than the first part needs")

    assert next(parts(never_ending(), BOUNDARY.encode(), 100)) == b"first"


@pytest.mark.parametrize("header", ["X: y", "Content-Length: {}"])
def test_no_more_than_a_part_and_a_chunk_is_in_memory(header: str) -> None:
    size, count = 1 << 18, 100
    part = multipart([bytes(size)], header=header, end="").removesuffix(DELIMITER[2:])
    pieces = [part[at : at + 65536] for at in range(0, len(part), 65536)]
    body = chain.from_iterable(repeat(pieces, count))
    tracemalloc.start()
    try:
        came = sum(1 for _ in parts(chain(body, [DELIMITER[2:] + b"--"]), BOUNDARY.encode(), size))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert came == count
    assert peak < 4 * size


@pytest.mark.parametrize("header", ["X: y", "Content-Length: {}"])
def test_a_boundary_within_a_line_of_pixel_data_ends_nothing(header: str) -> None:
    content = b"pixels" + BOUNDARY.encode() + b"--" + f"--{BOUNDARY}--\r\n".encode() + b"\n--20-abc"
    assert read(multipart([content, content], header=header)) == [content, content]


def test_a_told_length_lets_pixel_data_hold_even_the_delimiter() -> None:
    content = b"pixels" + DELIMITER + b"--\r\npixels"
    assert read(multipart([content], header="Content-Length: {}")) == [content]


def test_a_preamble_an_epilogue_and_padding_are_passed_over() -> None:
    body = b"This is a message\r\n" + multipart([b"a"]).replace(b"20-abc\r\n", b"20-abc \t\r\n") + b"\r\nepilogue"
    assert read(body) == [b"a"]


def test_a_part_may_have_no_header() -> None:
    assert read(f"--{BOUNDARY}\r\n\r\nbody\r\n--{BOUNDARY}--".encode()) == [b"body"]


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        (b"x" * (MAX_PREAMBLE_BYTES + 100), ProtocolError, "does not begin with its boundary"),
        (f"--{BOUNDARY}\r\n".encode() + b"x" * (MAX_HEADER_BYTES + 100), ProtocolError, "header of a part exceeds"),
        (multipart([bytes(2000)]), LimitExceededError, "exceeds 1000 bytes: raise Limits"),
        (multipart([bytes(2000)], header="Content-Length: {}"), LimitExceededError, "exceeds 1000 bytes"),
        (multipart([b"x"], header="Content-Length: 999999999999"), LimitExceededError, "max_instance_bytes"),
        (b"", ConnectionLostError, "without its closing boundary"),
    ],
)
def test_what_is_too_large_or_no_multipart_is_refused(body: bytes, error: type[Exception], told: str) -> None:
    for at in ([], list(range(0, len(body), 7))):
        with pytest.raises(error, match=told):
            read(body, at, limit=1000)


@pytest.mark.parametrize("boundary", [b"", b"x" * 201])
def test_a_boundary_that_cannot_be_is_refused(boundary: bytes) -> None:
    with pytest.raises(ProtocolError, match="names no boundary"):
        next(parts(iter([b""]), boundary, 100))


def test_no_memory_is_taken_for_a_length_that_is_only_claimed() -> None:
    body = multipart([b"few"], header="Content-Length: 4000000000").partition(DELIMITER + b"--")[0]
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionLostError):
            read(body, limit=1 << 32)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
