"""What the header of a response tells of its body."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itkdicomqr.dicomweb.response import Response

VISIBLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")).map(str.strip)


def response(content_type: str, **fields: str) -> Response:
    headers = {"Content-Type": content_type, **fields}
    return Response(
        h11.Response(
            status_code=200, headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        ),
        iter(()),
    )


@pytest.mark.parametrize(
    ("content_type", "media_type", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary="a b"', "multipart/related", b"a b"),
        ("Multipart/Related;boundary=ab;type=application/dicom", "multipart/related", b"ab"),
        ('multipart/related; BOUNDARY="a;b"', "multipart/related", b"a;b"),
        ("multipart/related", "multipart/related", b""),
        ("application/dicom+json; charset=utf-8", "application/dicom+json", b""),
        ("", "", b""),
    ],
)
def test_the_content_type_tells_the_kind_and_the_boundary(content_type: str, media_type: str, boundary: bytes) -> None:
    told = response(content_type)
    assert (told.media_type, told.boundary) == (media_type, boundary)


@given(VISIBLE | VISIBLE.map(lambda text: f"multipart/related; boundary={text}"))
def test_any_content_type_is_read(content_type: str) -> None:
    told = response(content_type)
    assert told.media_type == told.media_type.lower()
    assert isinstance(told.boundary, bytes)


def test_of_several_fields_the_first_counts() -> None:
    header = h11.Response(status_code=200, headers=[("X-A", "1"), ("x-a", "2")])
    assert Response(header, iter(())).field("X-a") == "1"
