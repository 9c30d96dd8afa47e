"""An organization takes no announcements of a seller any more, or takes them again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from orders.announcements.models import AnnouncementOptOut
from orders.conversations.sides import addressed_seller


def opt_out_of(uow: UnitOfWork, seller_id: UUID, *, out: bool) -> None:
    """Say for the acting organization that it takes none, or takes them. Said again, nothing changes.

    Raises: NotFound `organization_not_found`; Conflict `conversation_with_oneself`.
    """
    addressed_seller(uow, seller_id)
    buyer_id, person_id = uow.principal.organization(), uow.principal.accountable_id
    assert person_id is not None  # noqa: S101 - nobody else acts for an organization
    if out:
        said = insert(AnnouncementOptOut).values(
            buyer_org_id=buyer_id, seller_org_id=seller_id, person_id=person_id, created_at=clock.now()
        )
        uow.session.execute(said.on_conflict_do_nothing())
    else:
        uow.session.execute(
            delete(AnnouncementOptOut).where(
                AnnouncementOptOut.buyer_org_id == buyer_id, AnnouncementOptOut.seller_org_id == seller_id
            )
        )
    audit.record(uow, "announcements.opted_out", subject_id=seller_id, out=out)
    uow.flush()
