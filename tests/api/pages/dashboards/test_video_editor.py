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
from marketplace.access.authenticate import csrf_of
from marketplace.placements.models import Claim, Placement
from marketplace.videos.media import receive_media
from marketplace.videos.models import Video
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
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
def editor(dashboards: Dashboards) -> str:
    """The editor of a video that is ready, without its bytes."""
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        return f"/seller/videos/{make_ready_video(uow, dashboards.stage.promoter).id}"


def video_of(dashboards: Dashboards, editor: str) -> Video:
    return dashboards.stage.get(Video, UUID(editor.rpartition("/")[2]))


def add_card(dashboards: Dashboards, editor: str, **fields: str) -> Placement:
    """Put a card of the seller's plan on the video through the form."""
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(dashboards.stage.seat_plan), **fields}
    answer = dashboards.promoter.post(f"{editor}/placements", **form)
    assert answer.status_code == 303, text_of(answer)
    (found,) = cards(dashboards, editor)
    return found


def cards(dashboards: Dashboards, editor: str) -> list[Placement]:
    wanted = select(Placement).where(
        Placement.video_id == video_of(dashboards, editor).id, Placement.removed_at.is_(None)
    )
    found: list[Placement] = dashboards.stage.rows(wanted)
    return found


def claims(dashboards: Dashboards, editor: str) -> list[Claim]:
    wanted = select(Claim).where(Claim.video_id == video_of(dashboards, editor).id, Claim.removed_at.is_(None))
    found: list[Claim] = dashboards.stage.rows(wanted.order_by(Claim.id))
    return found


def test_a_form_upload_is_examined_and_shown(dashboards: Dashboards, clip: Path) -> None:
    editor = send(dashboards.promoter, clip.read_bytes())
    waiting = dashboards.promoter.get(editor)
    assert "data-examining" in waiting.text
    assert '<noscript><meta http-equiv="refresh"' in waiting.text
    dashboards.stage.run()
    page = dashboards.promoter.get(editor)
    assert video_of(dashboards, editor).state == "ready"
    assert "<video" in page.text
    assert "160×96" in text_of(page)
    assert "无脚本上传" in dashboards.promoter.get("/seller/videos").text


def test_a_file_that_is_no_video_is_refused_and_replaced(dashboards: Dashboards, clip: Path) -> None:
    editor = send(dashboards.promoter, b"<html>not a video</html>" * 50)
    dashboards.stage.run()
    page = dashboards.promoter.get(editor)
    assert video_of(dashboards, editor).state == "refused"
    assert "is not a video" in text_of(page) or "but its name says" in text_of(page)
    assert f'href="{editor}/file"' in page.text
    again = dashboards.promoter.post(f"{editor}/file", {"file": ("clip.mp4", clip.read_bytes(), "video/mp4")})
    assert (again.status_code, again.headers["location"]) == (303, editor)
    dashboards.stage.run()
    assert video_of(dashboards, editor).state == "ready"


def test_a_file_beyond_the_limit_is_refused_with_the_limit(
    dashboards: Dashboards, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.v1.media.MAX_BYTES", 1000)
    content = clip.read_bytes()
    assert len(content) > 1000
    answer = dashboards.promoter.post("/seller/videos/new", {"file": ("clip.mp4", content, "video/mp4")}, title="太大")
    assert answer.status_code == 413
    assert 'role="alert"' in answer.text
    assert receive_media.MAX_BYTES > 1000


@pytest.mark.parametrize("fields", [{"title": ""}, {"title": "x" * 201}])
def test_words_that_do_not_fit_come_back_with_the_form(
    dashboards: Dashboards, clip: Path, fields: dict[str, str]
) -> None:
    files = {"file": ("clip.mp4", clip.read_bytes(), "video/mp4")}
    answer = dashboards.promoter.post("/seller/videos/new", files, description="从投递到入职", **fields)
    assert answer.status_code == 422
    assert f'value="{fields["title"]}"' in answer.text
    assert "从投递到入职</textarea>" in answer.text


def test_no_file_at_all_is_said(dashboards: Dashboards) -> None:
    answer = dashboards.promoter.post("/seller/videos/new", title="没有文件")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "没有文件" in answer.text


def test_a_card_is_added_changed_and_removed(dashboards: Dashboards, editor: str) -> None:
    card = add_card(dashboards, editor)
    assert (card.start_ms, card.end_ms, card.plan_id) == (2_000, 9_000, dashboards.stage.seat_plan)
    page = dashboards.promoter.get(editor)
    assert f'data-span="{card.id}"' in page.text
    form = {"from_s": "3", "to_s": "12", "cta": "demo", "plan_id": str(dashboards.stage.seat_plan), "action": "save"}
    assert dashboards.promoter.post(f"{editor}/placements/{card.id}", **form).status_code == 303
    (changed,) = cards(dashboards, editor)
    assert (changed.start_ms, changed.end_ms, changed.action) == (3_000, 12_000, "demo")
    assert dashboards.promoter.post(f"{editor}/placements/{card.id}", action="delete").status_code == 303
    assert cards(dashboards, editor) == []


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
    dashboards: Dashboards, editor: str, fields: dict[str, str], status: int
) -> None:
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(dashboards.stage.seat_plan), **fields}
    answer = dashboards.promoter.post(f"{editor}/placements", **form)
    assert answer.status_code == status
    assert f'value="{form["to_s"]}"' in answer.text, "what was typed is still there"
    assert 'role="alert"' in answer.text
    assert "data-new-placement" in answer.text
    assert cards(dashboards, editor) == []


def test_a_kept_claim_lets_it_publish_and_a_contradiction_does_not(dashboards: Dashboards, editor: str) -> None:
    add_card(dashboards, editor)
    entered = {"second": "3", "kind": "price", "value": "¥199.00", "text": "每席每年 199 元"}
    assert dashboards.promoter.post(f"{editor}/claims", **entered).status_code == 303
    dear = {"second": "4", "kind": "price", "value": "99", "text": "每席每年 99 元"}
    assert dashboards.promoter.post(f"{editor}/claims", **dear).status_code == 303
    (dearer,) = (one for one in claims(dashboards, editor) if one.value_int == 9_900)
    assert "says ¥99 / seat / year, the plan holds ¥199 / seat / year" in text_of(dashboards.promoter.get(editor))
    assert dashboards.promoter.post(f"{editor}/claims/{dearer.id}", action="delete").status_code == 303
    wrong = {"second": "4", "kind": "included_seats", "value": "50", "text": "含 50 席位"}
    assert dashboards.promoter.post(f"{editor}/claims", **wrong).status_code == 303
    price, seats = claims(dashboards, editor)
    assert (price.value_int, price.currency, price.unit) == (19_900, "CNY", "seat/year")
    page = text_of(dashboards.promoter.get(editor))
    assert "Matches" in page
    assert "says 50, the plan holds 20" in page
    refused = dashboards.promoter.post(f"{editor}/publish")
    assert refused.status_code == 409
    assert "says 50, the plan holds 20" in text_of(refused)
    assert video_of(dashboards, editor).state == "ready"
    assert dashboards.promoter.post(f"{editor}/claims/{seats.id}", action="delete").status_code == 303
    published = dashboards.promoter.post(f"{editor}/publish")
    assert (published.status_code, published.headers["location"]) == (303, editor)
    assert video_of(dashboards, editor).state == "published"
    # On a published video a contradiction is not even taken.
    late = dashboards.promoter.post(f"{editor}/claims", **wrong)
    assert late.status_code == 409
    assert len(claims(dashboards, editor)) == 1
    assert dashboards.promoter.post(f"{editor}/withdraw").status_code == 303
    assert video_of(dashboards, editor).state == "withdrawn"


def test_a_card_for_advice_is_made_and_one_for_a_trial_that_the_plan_has_not_refused(
    dashboards: Dashboards, editor: str
) -> None:
    form = {"from_s": "2", "to_s": "9", "plan_id": str(dashboards.stage.seat_plan)}
    refused = dashboards.promoter.post(f"{editor}/placements", cta="trial", **form)
    assert refused.status_code == 422
    assert "This plan has no trial." in text_of(refused)
    assert cards(dashboards, editor) == []
    assert dashboards.promoter.post(f"{editor}/placements", cta="consult", **form).status_code == 303
    assert [one.action for one in cards(dashboards, editor)] == ["consult"]
    shown = dashboards.promoter.get(editor).text
    assert shown.count('value="consult" selected') == 1


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        ("feature", "full_export", 303),
        ("feature", "", 422),
        ("trial_days", "14", 303),
        ("trial_days", "fourteen", 422),
        ("included_seats", "fourteen", 422),
        ("included_seats", "١٤", 422),
        ("price", "1.999", 422),
        ("price", "NaN", 422),
        ("price", "1e400", 422),
        ("price", "1e999999", 422),
        ("included_seats", "1000000000000000000000", 422),
        ("price", "-5", 422),
        ("promise", "1", 422),
    ],
)
def test_values_of_claims_are_read_or_refused(
    dashboards: Dashboards, editor: str, kind: str, value: str, status: int
) -> None:
    add_card(dashboards, editor)
    answer = dashboards.promoter.post(f"{editor}/claims", second="3", kind=kind, value=value, text="说法")
    assert answer.status_code == status, text_of(answer)
    assert len(claims(dashboards, editor)) == (1 if status == 303 else 0)


def test_a_claim_needs_a_card(dashboards: Dashboards, editor: str) -> None:
    answer = dashboards.promoter.post(
        f"{editor}/claims", second="3", kind="included_seats", value="14", text="含十四席"
    )
    assert answer.status_code == 422
    assert "Add a product card first" in text_of(answer)


def test_everything_of_anothers_video_is_not_there(dashboards: Dashboards, editor: str) -> None:
    card = add_card(dashboards, editor)
    for path in (editor, f"{editor}/file"):
        assert dashboards.seller.get(path).status_code == 404
    for path in ("placements", f"placements/{card.id}", "claims", "publish", "withdraw"):
        form = {"from_s": "1", "to_s": "2", "cta": "buy", "plan_id": str(dashboards.stage.seat_plan), "second": "1"}
        answer = dashboards.seller.post(f"{editor}/{path}", kind="included_seats", value="1", text="x", **form)
        assert answer.status_code == 404, path
    # Nor through a video of one's own.
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        own = make_ready_video(uow, dashboards.stage.seller)
    assert dashboards.seller.post(f"/seller/videos/{own.id}/placements/{card.id}", action="delete").status_code == 404
    assert [one.id for one in cards(dashboards, editor)] == [card.id]


def test_a_forged_form_changes_nothing(dashboards: Dashboards, editor: str) -> None:
    form = {"from_s": "2", "to_s": "9", "cta": "buy", "plan_id": str(dashboards.stage.seat_plan)}
    assert dashboards.promoter.post(f"{editor}/placements", csrf="forged", **form).status_code == 403
    assert cards(dashboards, editor) == []


def test_a_script_is_told_the_problem_itself(dashboards: Dashboards, editor: str) -> None:
    headers = {
        "Cookie": f"__Host-session={dashboards.promoter.cookie}",
        "X-CSRF-Token": csrf_of(dashboards.promoter.cookie),
    }
    form = {
        "csrf": csrf_of(dashboards.promoter.cookie),
        "from_s": "9",
        "to_s": "2",
        "cta": "buy",
        "plan_id": str(dashboards.stage.seat_plan),
    }
    answer = dashboards.promoter.client.post(f"{editor}/placements", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "placement_range"
    assert not re.search(r"<html", answer.text)
