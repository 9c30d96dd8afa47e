"""A seller edits a course that may have been sold already."""

from __future__ import annotations

from sqlalchemy import select

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import in_force
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.courses.queries import episodes_of
from marketplace.courses.save_course import SaveCourse, save_course


def edit_course(uow: UnitOfWork, command: SaveCourse) -> None:
    """As `save_course`: episodes may be exchanged, put in another order and added at any time, but who bought a course never
    has fewer of them.

    Raises: as `save_course`; Conflict `course_shortened` while a customer may use it.
    """
    present = len(episodes_of(uow, command.listing_id))
    using = select(Entitlement.id).where(
        Entitlement.listing_id == command.listing_id,
        Entitlement.seller_org_id == uow.principal.organization(),
        in_force(),
    )
    if len(command.episodes) < present and uow.session.scalar(using.limit(1)) is not None:
        raise Conflict("course_shortened", present=present)
    save_course(uow, command)
