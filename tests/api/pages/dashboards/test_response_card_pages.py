"""Cards that sell nothing on pages: put on a video, answered by a guest, worked through, deleted by whoever gave it."""

from __future__ import annotations

import csv
import re
from html import unescape
from io import StringIO
from typing import Any

from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.models import Mail
from marketplace.response_cards.models import CardResponse, ResponseCard
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.api_server import application
from tests.factories_marketplace import make_published_video


def link_in(services: Services, content: MailContent) -> str:
    """The address in a receipt, as its reader follows it."""
    composer = Composer(services.signer, public_url="https://market.example", sender="m@market.example")
    body = composer.compose(content).get_body(("plain",))
    assert body is not None
    link = re.search(r"https://market.example(/card-answer\S+)", body.get_content())
    assert link is not None
    return link[1]


def test_a_job_is_put_on_a_video_answered_and_forgotten(dashboards: Dashboards) -> None:
    stage, seller = dashboards.stage, dashboards.seller
    db = stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        video, _ = make_published_video(uow, stage.seller, uow.session.get_one(Plan, stage.seat_plan))
        video_id = str(video.id)
    form = {"kind": "apply", "from_s": "1", "to_s": "9", "title": "校招工程师", "title_en": "Graduate engineer"}
    form |= {"retention_days": "30", "message": "yes", "places": "2"}
    new = f"/seller/videos/{video_id}/response-cards/new"
    refused = seller.post(new, **(form | {"to_s": "1"}))
    assert refused.status_code == 422
    assert 'value="Graduate engineer"' in refused.text
    assert seller.post(new, **form).status_code == 303
    (card_id,) = stage.rows(select(ResponseCard.id).where(ResponseCard.video_id == video.id))
    assert "Graduate engineer" in text_of(seller.get(f"/seller/videos/{video_id}"))

    guest: TestClient[Any] = TestClient(application(stage.services), base_url="https://market.example")
    guest.headers["Accept-Language"] = "en"
    player = guest.get(f"/v/{video_id}")
    assert f'data-response-card="{card_id}"' in player.text
    page = guest.get(f"/cards/{card_id}?second=3")
    assert "2 places left" in page.text
    hidden = dict(re.findall(r'name="(csrf|second|consent_version)" value="([^"]*)"', page.text))
    said = hidden | {"name": "Wang Fang", "email": "wang@guest.example", "message": "=1+1"}
    unsigned = guest.post(f"/cards/{card_id}", data=said, follow_redirects=False)
    assert unsigned.status_code == 422
    assert "Tick the box" in unsigned.text
    sent = guest.post(f"/cards/{card_id}", data=said | {"agreed": "yes"}, follow_redirects=True)
    assert "receipt is on its way" in sent.text

    (response_id,) = stage.rows(select(CardResponse.id).where(CardResponse.card_id == card_id))
    assert "Wang Fang" in text_of(seller.get("/seller/card-responses?card=" + str(card_id)))
    own = f"/seller/card-responses/{response_id}"
    assert seller.post(own, state="working", note="call").status_code == 303
    listed = seller.get(f"/v1/seller/card-responses?card_id={card_id}").json()["items"]
    table = seller.get(f"/v1/seller/card-responses/export?card_id={card_id}").content.decode("utf-8-sig")
    (row,) = csv.DictReader(StringIO(table))
    assert (row["id"], row["state"], row["name"], row["message"]) == (str(response_id), "working", "Wang Fang", "'=1+1")
    assert [one["message"] for one in listed] == ["=1+1"]

    with unit_of_work(db, SYSTEM) as uow:
        mail = uow.session.scalars(select(Mail).where(Mail.to_address == "wang@guest.example")).one()
        content = MailContent(mail.id, mail.to_address, mail.kind, mail.locale, mail.created_at, mail.params)
    receipt = guest.get(link_in(stage.services, content))
    assert "Wang Fang" in receipt.text
    (act,) = re.findall(r'action="(/card-answer/delete[^"]*)"', receipt.text)
    gone = guest.post(unescape(act), data={"csrf": hidden["csrf"]}, follow_redirects=True)
    assert "was deleted" in gone.text
    assert "Wang Fang" not in seller.get(own).text
    assert guest.get("/card-answer?token=x").status_code == 404
