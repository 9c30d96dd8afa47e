"""How often cards are shown and pressed, counted by day. Nothing here is attribution: no money follows from it."""

from __future__ import annotations

from datetime import UTC
from typing import Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.response_cards.answer_card import find_shown_card
from marketplace.response_cards.models import CardDay

CardSight = Literal["impression", "click"]


def count_card(uow: UnitOfWork, card_id: UUID, sight: CardSight) -> None:
    """Count one more. The owner's own look is not counted.

    Raises: NotFound `card_not_found` for whom it is not shown. Locks: the card's day.
    """
    card = find_shown_card(uow, card_id)
    if card.org_id == uow.principal.org_id:
        return
    column = "impressions" if sight == "impression" else "clicks"
    new = insert(CardDay).values(
        id=uuid7(),
        org_id=card.org_id,
        card_id=card.id,
        day=clock.now().astimezone(UTC).date(),
        **{"impressions": 0, "clicks": 0, column: 1},
    )
    with as_platform(uow):
        uow.session.execute(
            new.on_conflict_do_update(index_elements=["card_id", "day"], set_={column: getattr(CardDay, column) + 1})
        )
