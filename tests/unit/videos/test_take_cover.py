"""Chosen covers: the moment that was meant, or a picture made small, upright, and rid of what its file says beside it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from kernel.errors import Invalid
from marketplace.videos.media.cover import MAX_WIDTH_PX
from marketplace.videos.media.cover_sizes import COVER_WIDTHS
from marketplace.videos.media.probe_result import CoverPictures
from marketplace.videos.media.subprocess_probe import cover_isolated
from marketplace.videos.media.take_cover import MAX_SIDE, cover_at, cover_of

Clip = Callable[..., Path]
ORIENTATION = 0x0112
SECRET = "taken at 30.2741N 120.1551E"


def brightness(content: bytes) -> float:
    with Image.open(io.BytesIO(content)) as image:
        return float(image.convert("L").resize((1, 1)).getpixel((0, 0)))  # type: ignore[arg-type]


def size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        return image.size


def picture(path: Path, width: int = 640, height: int = 400, mode: str = "RGB", **saved: object) -> Path:
    image = Image.new(mode, (width, height), "red" if mode != "RGBA" else (255, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height), fill="blue")
    image.save(path, **saved)  # type: ignore[arg-type]
    return path


def test_the_moment_that_was_chosen_is_the_cover(clip: Clip) -> None:
    path = clip("a.mp4", seconds=4, black_s=2)
    black, shown = cover_at(path, 500), cover_at(path, 3_000)
    assert brightness(black.jpeg) < 30 < brightness(shown.jpeg)
    assert cover_isolated(path, 3_000) == shown
    assert [one[8:12] for one in shown.webp] == [b"WEBP"] * len(COVER_WIDTHS)


@pytest.mark.parametrize("at_ms", [0, 1_999, 60_000])
def test_any_moment_gives_the_picture_that_is_nearest(clip: Clip, at_ms: int) -> None:
    assert size(cover_at(clip("a.mp4", seconds=2), at_ms).jpeg) == (160, 96)


def test_a_picture_is_made_small_in_each_size(tmp_path: Path) -> None:
    cover = cover_of(picture(tmp_path / "a.png", 3_000, 1_500))
    assert size(cover.jpeg) == (MAX_WIDTH_PX, MAX_WIDTH_PX // 2)
    assert [size(one) for one in cover.webp] == [(width, width // 2) for width in COVER_WIDTHS]


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    cover = cover_of(picture(tmp_path / "a.webp", 320, 200))
    assert size(cover.jpeg) == (320, 200)
    assert [size(one)[0] for one in cover.webp] == [160, 320, 320]


def test_what_a_file_says_beside_its_picture_stays_behind(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[ORIENTATION] = 6
    jpeg = picture(tmp_path / "a.jpg", exif=exif, comment=SECRET.encode(), icc_profile=SECRET.encode())
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", SECRET)
    said.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET}</x>")
    png = picture(tmp_path / "a.png", pnginfo=said)
    with png.open("ab") as out:
        out.write(SECRET.encode())
    webp = picture(tmp_path / "a.webp", exif=exif, xmp=SECRET.encode())
    for path in (jpeg, png, webp):
        assert SECRET.encode() in path.read_bytes()
        cover = cover_isolated(path, None)
        assert isinstance(cover, CoverPictures)
        for content in (cover.jpeg, *cover.webp):
            assert SECRET.encode() not in content
            with Image.open(io.BytesIO(content)) as image:
                assert not image.getexif()
                assert not image.info.keys() & {"comment", "icc_profile", "xmp", "exif"}
    assert size(cover_of(jpeg).jpeg) == (400, 640), "upright"


def test_what_shows_through_shows_white(tmp_path: Path) -> None:
    cover = cover_of(picture(tmp_path / "a.png", mode="RGBA"))
    with Image.open(io.BytesIO(cover.jpeg)) as image:
        red, green, blue = image.convert("RGB").getpixel((630, 200))  # type: ignore[misc]
    assert min(red, green, blue) > 240


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "1", "LA"])
def test_pictures_of_other_kinds_are_read(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (320, 200)).save(tmp_path / "a.png")
    assert size(cover_of(tmp_path / "a.png").jpeg) == (320, 200)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(60)],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for take in (cover_of, lambda path: cover_isolated(path, None)):
        with pytest.raises(Invalid, match="cover_not_a_picture"):
            take(tmp_path / "a.png")


def test_half_a_picture_is_refused(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(Invalid, match="cover_not_a_picture"):
        cover_of(path)


@pytest.mark.parametrize(("width", "height"), [(100, 400), (MAX_SIDE + 1, 200), (8_000, 8_000)])
def test_a_picture_out_of_bounds_is_refused_before_it_is_read(tmp_path: Path, width: int, height: int) -> None:
    Image.new("1", (width, height)).save(tmp_path / "a.png")
    with pytest.raises(Invalid, match="cover_dimensions"):
        cover_of(tmp_path / "a.png")
