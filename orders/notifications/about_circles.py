"""What people are told of circles: leaders of who asks to join and what waits, members of what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.circles.events import CircleJoinAnswered, CircleJoinAsked, CirclePostDecided, CirclePostWaits
from marketplace.circles.models import LEADERS, CircleMember
from marketplace.circles.post_models import CirclePost
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of

SHOWN_CHARACTERS = 120


@notifies_of(CircleJoinAsked)
def join_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever leads the circle."""
    names, leaders, members = _circles(uow, events), _leaders(uow, events), _members(uow, events)
    for event in events:
        circle_id, member = event.uuid("org_id"), members[event.uuid("member_id")]
        params = {"circle": names[circle_id], "who": member.person_name, "company": member.org_name}
        for leader in leaders.get(circle_id, ()):
            yield _to(event, "circle_join_asked", f"/circles/{circle_id}/members", params, leader)


@notifies_of(CircleJoinAnswered)
def join_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who asked."""
    names, members = _circles(uow, events), _members(uow, events)
    for event in events:
        circle_id = event.uuid("org_id")
        accepted = bool(event.payload["accepted"])
        kind = "circle_join_accepted" if accepted else "circle_join_declined"
        path = f"/circles/{circle_id}" if accepted else "/circles"
        yield _to(event, kind, path, {"circle": names[circle_id]}, members[event.uuid("member_id")])


@notifies_of(CirclePostWaits)
def post_waits(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever leads the circle."""
    names, leaders, posts = _circles(uow, events), _leaders(uow, events), _posts(uow, events)
    for event in events:
        circle_id = event.uuid("org_id")
        post, author = posts[event.uuid("post_id")]
        params = {"circle": names[circle_id], "who": author.person_name, "text": post.body[:SHOWN_CHARACTERS]}
        for leader in leaders.get(circle_id, ()):
            yield _to(event, "circle_post_waits", f"/circles/{circle_id}", params, leader)


@notifies_of(CirclePostDecided)
def post_decided(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Its author."""
    names, posts = _circles(uow, events), _posts(uow, events)
    for event in events:
        circle_id = event.uuid("org_id")
        post, author = posts[event.uuid("post_id")]
        kind = "circle_post_shown" if event.payload["shown"] else "circle_post_hidden"
        params = {"circle": names[circle_id], "text": post.body[:SHOWN_CHARACTERS]}
        yield _to(event, kind, f"/circles/{circle_id}", params, author)


def _to(event: RecordedEvent, kind: str, path: str, params: dict[str, str], member: CircleMember) -> NewNotification:
    return NewNotification(
        event.id, event.at, kind, path, params, org_id=member.member_org_id, person_id=member.person_id
    )


def _circles(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, str]:
    ids = {event.uuid("org_id") for event in events}
    rows = uow.session.execute(select(Organization.id, Organization.display_name).where(Organization.id.in_(ids)))
    return {row.id: row.display_name for row in rows}


def _leaders(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, list[CircleMember]]:
    found: dict[UUID, list[CircleMember]] = {}
    wanted = select(CircleMember).where(
        CircleMember.org_id.in_({event.uuid("org_id") for event in events}),
        CircleMember.role.in_(LEADERS),
        state_in(CircleMember.state, "active"),
    )
    for row in uow.session.scalars(wanted.order_by(CircleMember.created_at, CircleMember.id)):
        found.setdefault(row.org_id, []).append(row)
    return found


def _members(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, CircleMember]:
    ids = {event.uuid("member_id") for event in events}
    return {row.id: row for row in uow.session.scalars(select(CircleMember).where(CircleMember.id.in_(ids)))}


def _posts(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> dict[UUID, tuple[CirclePost, CircleMember]]:
    rows = uow.session.execute(
        select(CirclePost, CircleMember)
        .join(CircleMember, CircleMember.id == CirclePost.member_id)
        .where(CirclePost.id.in_({event.uuid("post_id") for event in events}))
    )
    return {post.id: (post, member) for post, member in rows}
