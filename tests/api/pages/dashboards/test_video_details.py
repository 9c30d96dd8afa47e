"""The editor's forms of chapters, captions and cover, without scripts; and what a video's pages and commands ask for."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.videos.models import Video
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.factories_marketplace import make_ready_video
from tests.statement_counter import counting

CAPTIONS = b"WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen.\n"
Editor = str


@pytest.fixture
def editor(dashboards: Dashboards) -> Editor:
    """The editor of a video that is ready, without its bytes."""
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        return f"/seller/videos/{make_ready_video(uow, dashboards.stage.promoter).id}"


def video_of(dashboards: Dashboards, editor: Editor) -> Video:
    return dashboards.stage.get(Video, UUID(editor.rpartition("/")[2]))


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 360), "white").save(out, "PNG")
    return out.getvalue()


def test_chapters_are_lines_that_come_back(dashboards: Dashboards, editor: Editor) -> None:
    promoter = dashboards.promoter
    assert promoter.post(f"{editor}/chapters", chapters="0:00 开场\n0:07 价格 | Pricing").status_code == 303
    assert [one["at_ms"] for one in video_of(dashboards, editor).chapters] == [0, 7_000]
    assert "0:00 开场\n0:07 价格 | Pricing</textarea>" in promoter.get(editor).text
    wrong = promoter.post(f"{editor}/chapters", chapters="0:00 开场\nsoon: x")
    assert wrong.status_code == 422
    assert "Chapter 2 cannot be read." in text_of(wrong)
    assert "soon: x</textarea>" in wrong.text, "what was typed is still there"
    assert len(video_of(dashboards, editor).chapters) == 2
    assert promoter.post(f"{editor}/chapters", chapters="").status_code == 303
    assert video_of(dashboards, editor).chapters == []


def test_captions_are_put_and_taken_away_by_a_form(dashboards: Dashboards, editor: Editor) -> None:
    promoter = dashboards.promoter
    files = {"captions_file": ("film.vtt", CAPTIONS, "text/vtt")}
    assert promoter.post(f"{editor}/captions", files, language="en").status_code == 303
    page = promoter.get(editor).text
    assert ">English</a>" in page
    wrong = promoter.post(f"{editor}/captions", {"captions_file": ("film.srt", b"1\n", "text/plain")}, language="ja")
    assert wrong.status_code == 422
    assert "not a valid WebVTT file" in text_of(wrong)
    assert '<option value="ja" lang="ja" selected>' in wrong.text
    assert promoter.post(f"{editor}/captions", language="en").status_code == 422, "no file was chosen"
    assert promoter.post(f"{editor}/captions", language="en", action="delete").status_code == 303
    assert video_of(dashboards, editor).captions == {}


def test_a_cover_is_chosen_by_a_form_and_the_page_waits_for_it(dashboards: Dashboards, editor: Editor) -> None:
    promoter = dashboards.promoter
    before = video_of(dashboards, editor).cover_key
    files = {"cover_file": ("c.png", picture(), "image/png")}
    assert promoter.post(f"{editor}/cover-picture", files).status_code == 303
    waiting = promoter.get(editor).text
    assert "data-examining" in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    dashboards.stage.run()
    assert video_of(dashboards, editor).cover_key != before
    assert "data-examining" not in promoter.get(editor).text
    wrong = promoter.post(f"{editor}/cover-picture", {"cover_file": ("c.svg", b"<svg/>", "image/svg+xml")})
    assert wrong.status_code == 422
    assert "not a picture" in text_of(wrong)
    late = promoter.post(f"{editor}/cover", second="99")
    assert late.status_code == 422
    assert 'value="99"' in late.text


def test_nothing_of_anothers_video_is_changed(dashboards: Dashboards, editor: Editor) -> None:
    captions = {"captions_file": ("film.vtt", CAPTIONS, "text/vtt")}
    cover = {"cover_file": ("c.png", picture(), "image/png")}
    seller = dashboards.seller
    answers = [
        seller.post(f"{editor}/chapters", chapters="0:00 x"),
        seller.post(f"{editor}/captions", captions, language="en"),
        seller.post(f"{editor}/captions", language="en", action="delete"),
        seller.post(f"{editor}/cover", second="1"),
        seller.post(f"{editor}/cover-picture", cover),
        seller.post(f"{editor}/schedule", publish_at="2026-12-24T09:00"),
        seller.post(f"{editor}/schedule", action="cancel"),
        seller.post(f"{editor}/visibility", visibility="public"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    video = video_of(dashboards, editor)
    assert (video.chapters, video.captions, video.cover_request_id, video.publish_at) == ([], {}, None, None)


def test_what_the_forms_and_pages_ask_of_the_database(
    dashboards: Dashboards, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoter = dashboards.promoter
    watched = f"/v/{dashboards.stage.video}"
    day = (clock.now() + timedelta(days=2)).date()
    files = {"captions_file": ("film.vtt", CAPTIONS, "text/vtt")}
    asked: dict[str, tuple[int, Callable[[int], object]]] = {
        # Each with the caller's own, and the second time with something new to write.
        "chapters": (3, lambda n: promoter.post(f"{editor}/chapters", chapters=f"0:0{n} 开场")),
        "captions": (4, lambda n: promoter.post(f"{editor}/captions", files, language=("en", "ja")[n])),
        "cover": (5, lambda n: promoter.post(f"{editor}/cover", second=str(n))),
        "schedule": (6, lambda n: promoter.post(f"{editor}/schedule", publish_at=f"{day}T09:0{n}")),
        "visibility": (3, lambda n: promoter.post(f"{editor}/visibility", visibility=("unlisted", "internal")[n])),
        # With the tiers that may see it, and the cards that sell nothing.
        "editor": (24, lambda _: promoter.get(editor)),
        # One of them reads what the viewer pays as a partner for what the cards show.
        "watching": (15, lambda _: promoter.get(watched)),
        # With the circles that the viewer may write in.
        "sharing": (9, lambda _: promoter.get(f"{watched}/share")),
    }
    for _, act in asked.values():
        act(0)
    found = {}
    for name, (_, act) in asked.items():
        with counting(monkeypatch) as count:
            act(1)
        found[name] = len(count.statements)
    assert {name: number for name, number in found.items() if number > asked[name][0]} == {}
