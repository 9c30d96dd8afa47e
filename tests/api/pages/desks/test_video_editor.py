"""Uploading without scripts, placing cards, entering claims, publishing; and who may not."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import av
import pytest
from av.video.frame import VideoFrame
from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.placements.models import Claim, Placement
from marketplace.videos.media import receive_media
from marketplace.videos.models import Video
from tests.api.pages.desks.conftest import Desks, Visitor, text_of
from tests.factories_marketplace import make_ready_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of moving grey."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(30):
            frame = VideoFrame(160, 96, "yuv420p")
            for plane, tone in zip(frame.planes, (60 + 6 * number, 90, 160), strict=True):
                plane.update(bytes((tone + column) % 256 for column in range(plane.buffer_size)))
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def send(visitor: Visitor, content: bytes, name: str = "clip.mp4", title: str = "无脚本上传") -> str:
    """Upload as a browser without scripts would; returns the editor's address."""
    answer = visitor.post("/seller/videos/new", {"file": (name, content, "video/mp4")}, title=title)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.fixture
def editor(desks: Desks) -> str:
    """The editor of a video that is ready, without its bytes."""
    with unit_of_work(desks.stage.services.db, SYSTEM) as uow:
        return f"/seller/videos/{make_ready_video(uow, desks.stage.promoter).id}"


def video_of(desks: Desks, editor: str) -> Video:
    return desks.stage.get(Video, UUID(editor.rpartition("/")[2]))


def add_card(desks: Desks, editor: str, **fields: str) -> Placement:
    """Put a card of the seller's plan on the video through the form."""
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(desks.stage.seat_plan), **fields}
    answer = desks.promoter.post(f"{editor}/placements", **form)
    assert answer.status_code == 303, text_of(answer)
    (found,) = cards(desks, editor)
    return found


def cards(desks: Desks, editor: str) -> list[Placement]:
    wanted = select(Placement).where(Placement.video_id == video_of(desks, editor).id, Placement.removed_at.is_(None))
    found: list[Placement] = desks.stage.rows(wanted)
    return found


def claims(desks: Desks, editor: str) -> list[Claim]:
    wanted = select(Claim).where(Claim.video_id == video_of(desks, editor).id, Claim.removed_at.is_(None))
    found: list[Claim] = desks.stage.rows(wanted.order_by(Claim.id))
    return found


def test_a_form_upload_is_examined_and_shown(desks: Desks, clip: Path) -> None:
    editor = send(desks.promoter, clip.read_bytes())
    waiting = desks.promoter.get(editor)
    assert "data-examining" in waiting.text
    assert '<noscript><meta http-equiv="refresh"' in waiting.text
    desks.stage.run()
    page = desks.promoter.get(editor)
    assert video_of(desks, editor).state == "ready"
    assert "<video" in page.text
    assert "160×96" in text_of(page)
    assert "无脚本上传" in desks.promoter.get("/seller/videos").text


def test_a_file_that_is_no_video_is_refused_and_replaced(desks: Desks, clip: Path) -> None:
    editor = send(desks.promoter, b"<html>not a video</html>" * 50)
    desks.stage.run()
    page = desks.promoter.get(editor)
    assert video_of(desks, editor).state == "refused"
    assert "is not a video" in text_of(page) or "but its name says" in text_of(page)
    assert f'href="{editor}/file"' in page.text
    again = desks.promoter.post(f"{editor}/file", {"file": ("clip.mp4", clip.read_bytes(), "video/mp4")})
    assert (again.status_code, again.headers["location"]) == (303, editor)
    desks.stage.run()
    assert video_of(desks, editor).state == "ready"


def test_a_file_beyond_the_limit_is_refused_with_the_limit(
    desks: Desks, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.v1.media.MAX_BYTES", 1000)
    content = clip.read_bytes()
    assert len(content) > 1000
    answer = desks.promoter.post("/seller/videos/new", {"file": ("clip.mp4", content, "video/mp4")}, title="太大")
    assert answer.status_code == 413
    assert 'role="alert"' in answer.text
    assert receive_media.MAX_BYTES > 1000


@pytest.mark.parametrize("fields", [{"title": ""}, {"title": "x" * 201}])
def test_words_that_do_not_fit_come_back_with_the_form(desks: Desks, clip: Path, fields: dict[str, str]) -> None:
    files = {"file": ("clip.mp4", clip.read_bytes(), "video/mp4")}
    answer = desks.promoter.post("/seller/videos/new", files, description="从投递到入职", **fields)
    assert answer.status_code == 422
    assert f'value="{fields["title"]}"' in answer.text
    assert "从投递到入职</textarea>" in answer.text


def test_no_file_at_all_is_said(desks: Desks) -> None:
    answer = desks.promoter.post("/seller/videos/new", title="没有文件")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "没有文件" in answer.text


def test_a_card_is_added_changed_and_removed(desks: Desks, editor: str) -> None:
    card = add_card(desks, editor)
    assert (card.start_ms, card.end_ms, card.plan_id) == (2_000, 9_000, desks.stage.seat_plan)
    page = desks.promoter.get(editor)
    assert f'data-span="{card.id}"' in page.text
    form = {"from_s": "3", "to_s": "12", "cta": "demo", "plan_id": str(desks.stage.seat_plan), "action": "save"}
    assert desks.promoter.post(f"{editor}/placements/{card.id}", **form).status_code == 303
    (changed,) = cards(desks, editor)
    assert (changed.start_ms, changed.end_ms, changed.action) == (3_000, 12_000, "demo")
    assert desks.promoter.post(f"{editor}/placements/{card.id}", action="delete").status_code == 303
    assert cards(desks, editor) == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"from_s": "9", "to_s": "2"}, 422),
        ({"from_s": "2", "to_s": "99"}, 422),
        ({"from_s": "x"}, 422),
        ({"from_s": "99999999999999999999"}, 422),
        ({"cta": "steal"}, 422),
        ({"plan_id": "no-id"}, 404),
        ({"plan_id": "00000000-0000-7000-8000-000000000001"}, 404),
    ],
)
def test_a_card_that_cannot_be_is_refused_on_the_page(
    desks: Desks, editor: str, fields: dict[str, str], status: int
) -> None:
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(desks.stage.seat_plan), **fields}
    answer = desks.promoter.post(f"{editor}/placements", **form)
    assert answer.status_code == status
    assert f'value="{form["to_s"]}"' in answer.text, "what was typed is still there"
    assert 'role="alert"' in answer.text
    assert "data-new-placement" in answer.text
    assert cards(desks, editor) == []


def test_a_kept_claim_lets_it_publish_and_a_contradiction_does_not(desks: Desks, editor: str) -> None:
    add_card(desks, editor)
    entered = {"second": "3", "kind": "price", "value": "¥199.00", "text": "每席每年 199 元"}
    assert desks.promoter.post(f"{editor}/claims", **entered).status_code == 303
    wrong = {"second": "4", "kind": "included_seats", "value": "50", "text": "含 50 席位"}
    assert desks.promoter.post(f"{editor}/claims", **wrong).status_code == 303
    price, seats = claims(desks, editor)
    assert (price.value_int, price.currency, price.unit) == (19_900, "CNY", "seat/year")
    page = text_of(desks.promoter.get(editor))
    assert "Matches" in page
    assert "says 50, the plan holds 20" in page
    refused = desks.promoter.post(f"{editor}/publish")
    assert refused.status_code == 409
    assert "says 50, the plan holds 20" in text_of(refused)
    assert video_of(desks, editor).state == "ready"
    assert desks.promoter.post(f"{editor}/claims/{seats.id}", action="delete").status_code == 303
    published = desks.promoter.post(f"{editor}/publish")
    assert (published.status_code, published.headers["location"]) == (303, editor)
    assert video_of(desks, editor).state == "published"
    # On a published video a contradiction is not even taken.
    late = desks.promoter.post(f"{editor}/claims", **wrong)
    assert late.status_code == 409
    assert len(claims(desks, editor)) == 1
    assert desks.promoter.post(f"{editor}/withdraw").status_code == 303
    assert video_of(desks, editor).state == "withdrawn"


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        ("feature", "full_export", 303),
        ("feature", "", 422),
        ("trial_days", "fourteen", 422),
        ("trial_days", "١٤", 422),
        ("price", "1.999", 422),
        ("price", "NaN", 422),
        ("price", "1e400", 422),
        ("price", "1e999999", 422),
        ("included_seats", "1000000000000000000000", 422),
        ("price", "-5", 422),
        ("promise", "1", 422),
    ],
)
def test_values_of_claims_are_read_or_refused(desks: Desks, editor: str, kind: str, value: str, status: int) -> None:
    add_card(desks, editor)
    answer = desks.promoter.post(f"{editor}/claims", second="3", kind=kind, value=value, text="说法")
    assert answer.status_code == status, text_of(answer)
    assert len(claims(desks, editor)) == (1 if status == 303 else 0)


def test_a_claim_needs_a_card(desks: Desks, editor: str) -> None:
    answer = desks.promoter.post(f"{editor}/claims", second="3", kind="trial_days", value="14", text="试用")
    assert answer.status_code == 422
    assert "Add a product card first" in text_of(answer)


def test_everything_of_anothers_video_is_not_there(desks: Desks, editor: str) -> None:
    card = add_card(desks, editor)
    for path in (editor, f"{editor}/file"):
        assert desks.seller.get(path).status_code == 404
    for path in ("placements", f"placements/{card.id}", "claims", "publish", "withdraw"):
        form = {"from_s": "1", "to_s": "2", "cta": "buy", "plan_id": str(desks.stage.seat_plan), "second": "1"}
        answer = desks.seller.post(f"{editor}/{path}", kind="trial_days", value="1", text="x", **form)
        assert answer.status_code == 404, path
    # Nor through a video of one's own.
    with unit_of_work(desks.stage.services.db, SYSTEM) as uow:
        own = make_ready_video(uow, desks.stage.seller)
    assert desks.seller.post(f"/seller/videos/{own.id}/placements/{card.id}", action="delete").status_code == 404
    assert [one.id for one in cards(desks, editor)] == [card.id]


def test_a_forged_form_changes_nothing(desks: Desks, editor: str) -> None:
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(desks.stage.seat_plan)}
    assert desks.promoter.post(f"{editor}/placements", csrf="forged", **form).status_code == 403
    assert cards(desks, editor) == []


def test_a_script_is_told_the_problem_itself(desks: Desks, editor: str) -> None:
    headers = {"Cookie": f"__Host-session={desks.promoter.cookie}", "X-CSRF-Token": "c" * 32}
    form = {"csrf": "c" * 32, "from_s": "9", "to_s": "2", "cta": "buy", "plan_id": str(desks.stage.seat_plan)}
    answer = desks.promoter.client.post(f"{editor}/placements", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "placement_range"
    assert not re.search(r"<html", answer.text)
