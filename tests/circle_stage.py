"""A circle for tests, made through the product's own verbs."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from marketplace.circles.found_circle import SaveCircle, found_circle
from marketplace.circles.membership import join_by_link
from marketplace.circles.models import Circle
from marketplace.circles.posts import WritePost, write_post
from tests.factories_marketplace import acting


def make_circle(
    uow: UnitOfWork, founder: Principal, kind: str = "community", name: str = "招聘同行", **more: str
) -> Circle:
    """Founded by a person who acts for their company."""
    with acting(uow, founder):
        return found_circle(uow, SaveCircle(name, kind, **more))


def join(uow: UnitOfWork, circle: Circle, *people: Principal) -> list[UUID]:
    """By the circle's link; the ids of their rows."""
    found = []
    for one in people:
        with acting(uow, one):
            found.append(join_by_link(uow, circle.code).id)
    return found


def post(uow: UnitOfWork, circle: Circle, who: Principal, text: str = "大家好", **more: UUID) -> UUID:
    """What a member writes."""
    with acting(uow, who):
        return write_post(uow, circle.org_id, WritePost(text, **more)).id
