"""Which files may be handed in as a legal document."""

from __future__ import annotations

import io
from contextlib import suppress

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kernel.errors import Invalid
from marketplace.onboarding.legal_document import MAX_BYTES, checked_media_type

TYPES = {"application/pdf", "image/png", "image/jpeg"}


def picture(form: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 10, 10)).save(written, form)
    return written.getvalue()


def pdf(*, password: str = "") -> bytes:
    written = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(written, encryption=pikepdf.Encryption(owner=password, user=password) if password else False)
    return written.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        checked_media_type(content)
    assert refused.value.field == "file"
    return refused.value.code


def test_what_a_reviewer_can_open_is_taken() -> None:
    assert checked_media_type(pdf()) == "application/pdf"
    assert checked_media_type(picture("PNG")) == "image/png"
    assert checked_media_type(picture("JPEG")) == "image/jpeg"
    assert checked_media_type(picture("JPEG") + b"appended by a camera") == "image/jpeg"


@pytest.mark.parametrize("content", [pdf(), picture("PNG"), picture("JPEG")], ids=["pdf", "png", "jpeg"])
def test_what_was_cut_off_is_refused(content: bytes) -> None:
    assert refusal(content[: len(content) // 2]) == "legal_document_cut_off"


def test_what_asks_for_a_password_is_refused() -> None:
    assert refusal(pdf(password="secret")) == "legal_document_locked"


@pytest.mark.parametrize(
    "content", [b"<html><script>alert(1)</script>", b"MZ\x90\0", b"PK\x03\x04 a letter", b"GIF89a", b"<svg/>"]
)
def test_other_kinds_are_refused(content: bytes) -> None:
    assert refusal(content) == "legal_document_kind_unknown"


def test_nothing_and_too_much_are_refused() -> None:
    assert refusal(b"") == "legal_document_empty"
    assert refusal(b"\xff\xd8\xff" + bytes(MAX_BYTES)) == "legal_document_too_large"


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"]))
def test_no_bytes_are_more_than_refused(content: bytes, head: bytes) -> None:
    with suppress(Invalid):
        assert checked_media_type(head + content) in TYPES
