"""What of the acting viewer moves videos in the feed, in one statement."""

from __future__ import annotations

from sqlalchemy import func, select

from kernel.db.uow import UnitOfWork
from marketplace.channels.models import Follow
from marketplace.discovery.ranking import Taste
from marketplace.parties.models import Organization


def taste_of(uow: UnitOfWork) -> Taste:
    """Of the acting person and their organization; neutral for visitors and the platform."""
    principal = uow.principal
    if principal.org_id is None:
        return Taste()
    followed = select(Follow.channel_id).where(
        Follow.org_id == principal.org_id, Follow.person_id == principal.person_id
    )
    row = uow.session.execute(
        select(func.array(followed.scalar_subquery()), Organization.interests).where(
            Organization.id == principal.org_id
        )
    ).first()
    if row is None:
        return Taste()
    return Taste(frozenset(row[0]), frozenset(row[1]))
