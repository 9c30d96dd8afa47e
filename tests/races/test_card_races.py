"""Answers at the same moment: places are never given twice, and one person answers once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kernel.db.uow import Database, transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import ANONYMOUS, SYSTEM
from kernel.signing import TokenSigner
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.response_cards.answer_card import answer_card
from marketplace.response_cards.models import CardResponse
from marketplace.response_cards.save_card import add_card
from tests.card_stage import card, guest
from tests.factories_marketplace import make_org, make_plans, make_published_video, make_seller

pytestmark = pytest.mark.races
PLACES, GUESTS = 5, 14


@pytest.fixture
def card_id(db: Database, tmp_path: Path) -> UUID:
    composer = Composer(TokenSigner([bytes(range(32))]), public_url="https://market.example", sender="m@market.example")
    mail_jobs.register(FolderTransport(tmp_path), composer)
    with unit_of_work(db, SYSTEM) as uow:
        owner = make_org(uow)
        (plan,) = make_plans(uow, make_seller(uow))
        video, _ = make_published_video(uow, owner, plan)
        video_id = video.id
    return transact(db, owner.owner, lambda uow: add_card(uow, video_id, card(places=PLACES)).id)


def crowd(db: Database, card_id: UUID, emails: list[str]) -> list[str]:
    def one(email: str) -> str:
        try:
            transact(db, ANONYMOUS, lambda uow: answer_card(uow, guest(card_id, email)))
        except DomainError as refused:
            return refused.code
        return "taken"

    with ThreadPoolExecutor(len(emails)) as threads:
        return sorted(threads.map(one, emails))


def count(db: Database, card_id: UUID) -> int:
    with unit_of_work(db, SYSTEM) as uow:
        found = select(func.count()).select_from(CardResponse).where(CardResponse.card_id == card_id)
        return uow.session.scalar(found) or 0


def test_places_are_never_given_twice(db: Database, card_id: UUID) -> None:
    codes = crowd(db, card_id, [""] * GUESTS)
    assert codes == ["card_full"] * (GUESTS - PLACES) + ["taken"] * PLACES
    assert count(db, card_id) == PLACES


def test_one_address_answers_once(db: Database, card_id: UUID) -> None:
    assert crowd(db, card_id, [f"{card_id.hex}@guest.example"] * 4) == ["taken"] * 4
    assert count(db, card_id) == 1
