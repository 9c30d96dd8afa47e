"""A partner link has ended: who watched by it is let out of the rooms that it showed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Uuid, cast, literal, select, update

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from marketplace.live.models import LiveSession
from marketplace.relations.partner_models import PartnerLink


def close_streams(uow: UnitOfWork, link: PartnerLink) -> None:
    """Let the streams of rooms that the link showed end: whoever may still watch opens theirs again.

    Locks: the sessions, by their ids.
    """
    ended: Any = cast(literal([one for one in (link.seller_org_id, link.tier_id) if one], ARRAY(Uuid)), ARRAY(Uuid))
    seen = (
        select(LiveSession.id)
        .where(
            LiveSession.org_id == link.seller_org_id,
            LiveSession.visibility == "partners",
            LiveSession.state.in_(("scheduled", "live")),
            LiveSession.partner_groups.overlap(ended),
        )
        .order_by(LiveSession.id)
        .with_for_update()
    )
    with as_platform(uow):
        ids = uow.session.scalars(seen).all()
        if ids:
            uow.session.execute(
                update(LiveSession)
                .where(LiveSession.id.in_(ids))
                .values(links_ended=LiveSession.links_ended + 1)
                .execution_options(synchronize_session=False)
            )
