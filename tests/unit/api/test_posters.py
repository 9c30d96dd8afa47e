"""Posters: whatever they say, a camera reads the address that they were made for."""

from __future__ import annotations

import io

import pypdf
import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from api.posters import HEIGHT, MEDIA_TYPES, WIDTH, Poster, PosterForm, draw_poster
from kernel.errors import Invalid

ADDRESS = "https://market.example/v/0197a000-0000-7000-8000-000000000001?share=Zk3v0aQx1bTe"


def poster(**changes: object) -> Poster:
    said: dict[str, object] = {
        "kind": "video",
        "language": "zh-CN",
        "title": "用一块屏管完校招",
        "of": "北辰软件",
        "description": "从宣讲到入职。",
        "address": ADDRESS,
    }
    return Poster(**(said | changes))  # type: ignore[arg-type]


def drawn(content: bytes, form: PosterForm) -> Image.Image:
    if form == "png":
        return Image.open(io.BytesIO(content)).convert("RGB")
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    assert len(pages) == 1
    width, height = (float(side) for side in pages[0].mediabox.upper_right)
    assert abs(width - 595) < 1
    assert abs(height - 842) < 1, "A4 in points"
    found = pages[0].images[0].image
    assert found is not None
    return found.convert("RGB")


def read(picture: Image.Image) -> list[str]:
    return [one.text for one in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("form", MEDIA_TYPES)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", ["video", "product", "channel"])
def test_its_code_opens_the_link(form: PosterForm, language: str, kind: str) -> None:
    cover = io.BytesIO()
    Image.effect_noise((1280, 720), 80).convert("RGB").save(cover, format="JPEG")
    made = draw_poster(poster(kind=kind, language=language, picture=cover.getvalue(), shared_by="采购方集团"), form)
    assert read(drawn(made, form)) == [ADDRESS]


@settings(max_examples=25, deadline=None)
@example(title="\x85", of="\u2029", description="\x00\u202e", shared_by="\r\n", path="v")
@given(
    title=st.text(min_size=1, max_size=300),
    of=st.text(max_size=120),
    description=st.text(max_size=600),
    shared_by=st.text(max_size=120),
    path=st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_/", min_size=1, max_size=180),
)
def test_whatever_is_written_beside_it(title: str, of: str, description: str, shared_by: str, path: str) -> None:
    address = f"https://market.example/{path}"
    made = draw_poster(poster(title=title, of=of, description=description, shared_by=shared_by, address=address), "png")
    picture = drawn(made, "png")
    assert picture.size == (WIDTH, HEIGHT)
    assert read(picture) == [address]


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1, 1), (3000, 4)])
def test_covers_of_any_shape(size: tuple[int, int]) -> None:
    cover = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(cover, format="WEBP")
    picture = drawn(draw_poster(poster(picture=cover.getvalue()), "png"), "png")
    assert read(picture) == [ADDRESS]
    assert picture.getpixel((WIDTH // 2, 450)) != (226, 243, 240), "its cover is on it"


def test_what_is_no_picture_is_left_out() -> None:
    plain = draw_poster(poster(), "png")
    assert draw_poster(poster(picture=b"no picture"), "png") == plain


def test_an_address_that_no_code_holds_is_refused() -> None:
    with pytest.raises(Invalid, match="poster_address_too_long"):
        draw_poster(poster(address="https://market.example/" + "a" * 3000), "png")
