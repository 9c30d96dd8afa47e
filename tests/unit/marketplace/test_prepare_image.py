"""A product's picture: what it may be, how it is kept, and that nothing but its pixels is."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

import pytest
from PIL import Image

from kernel.errors import Invalid
from marketplace.catalog import prepare_image as prepare_module
from marketplace.catalog.prepare_image import MAX_BYTES, MAX_PIXELS, WIDTHS, prepare_image
from tests.pictures import SECRET, picture


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_it_is_kept_as_webp_without_what_a_camera_wrote(kind: str) -> None:
    sent = picture(kind=kind)
    assert SECRET.encode() in sent
    kept = prepare_image(sent)
    assert set(kept.files) == set(WIDTHS)
    for content in kept.files.values():
        assert opened(content).format == "WEBP"
        assert not opened(content).getexif()
        for said in (SECRET.encode(), b"EXIF", b"XMP", b"ICCP"):
            assert said not in content
    assert (kept.width, kept.height) == (640, 480)
    assert opened(kept.files[480]).size == (480, 360)


def test_a_large_one_is_made_smaller_and_a_small_one_stays() -> None:
    kept = prepare_image(picture((3200, 1000)))
    assert (kept.width, kept.height) == opened(kept.files[1600]).size == (1600, 500)
    assert opened(prepare_image(picture((300, 200))).files[1600]).size == (300, 200)


def test_it_stands_as_its_camera_was_held() -> None:
    """Orientation 6: turned by 90° clockwise to be upright, so that the red corner comes to lie at the top right."""
    kept = opened(prepare_image(picture(turned=6)).files[1600]).convert("RGB")
    assert kept.size == (480, 640)
    right, left = kept.getpixel((460, 20)), kept.getpixel((20, 20))
    assert isinstance(right, tuple)
    assert isinstance(left, tuple)
    assert right[0] > 200
    assert left[0] < 100


def test_the_same_picture_has_the_same_name_whatever_was_beside_it() -> None:
    assert prepare_image(picture()).id == prepare_image(picture()).id
    assert prepare_image(picture()).id != prepare_image(picture(colour="navy")).id


def test_what_is_transparent_lies_on_white() -> None:
    kept = opened(prepare_image(picture(kind="PNG", mode="RGBA", colour="#00000000")).files[1600]).convert("RGB")
    assert min(kept.getpixel((600, 400))) > 240  # type: ignore[arg-type]


def bomb() -> bytes:
    """A PNG that says it has more pixels than are decoded, in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 20_000, MAX_PIXELS // 20_000 + 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300)).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "image_empty"),
        (b"x" * (MAX_BYTES + 1), "image_too_large"),
        (b"%PDF-1.7 and nothing else", "image_kind_unknown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image_kind_unknown"),
        (gif(), "image_kind_unknown"),
        (picture()[: len(picture()) // 2], "image_unreadable"),
        (picture(kind="PNG")[:-30], "image_unreadable"),
        (picture((199, 400)), "image_too_small"),
        (picture((200, 2_001)), "image_too_long"),
        (picture((20_000, 200)), "image_too_long"),
        (bomb(), "image_too_many_pixels"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        prepare_image(content)
    assert refused.value.code == code


def test_a_bomb_is_told_by_its_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real one: 41 million pixels in a few kilobytes, of which none is decoded."""
    out = io.BytesIO()
    Image.new("L", (6_400, 6_401)).save(out, "PNG")
    assert len(out.getvalue()) < 200_000

    def decoded(_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    with pytest.raises(Invalid, match="image_too_many_pixels"):
        prepare_image(out.getvalue())


def test_few_are_held_as_pixels_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    held, most, guard = 0, 0, Lock()
    pixels = prepare_module._pixels

    def counted(image: Image.Image) -> Image.Image:
        nonlocal held, most
        with guard:
            held += 1
            most = max(most, held)
        sleep(0.02)
        try:
            return pixels(image)
        finally:
            with guard:
                held -= 1

    monkeypatch.setattr(prepare_module, "_pixels", counted)
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: prepare_image(picture()).id, range(8)))) == 1
    assert most == 2


def test_what_hides_behind_a_picture_does_not_survive() -> None:
    hidden = b"PK\x03\x04<script>alert(1)</script>"
    for content in prepare_image(picture() + hidden).files.values():
        assert b"script" not in content


def test_the_longest_picture_can_be_kept() -> None:
    made = prepare_image(picture((1_600, 16_000)))
    assert (made.width, made.height) == (1_600, 16_000)
