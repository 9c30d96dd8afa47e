"""People join circles, ask to, are let in, leave, are removed, and are given roles."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.models import MEMBER, Member, Person
from marketplace.circles.access import (
    CircleStanding,
    beyond_own,
    find_member,
    leader_of,
    member_of,
    owner_of,
    standing_in,
)
from marketplace.circles.events import CircleJoinAnswered, CircleJoinAsked
from marketplace.circles.found_circle import locked_circle
from marketplace.circles.models import CIRCLE_MEMBER, LEADERS, Circle, CircleMember
from marketplace.parties.models import Organization
from marketplace.parties.require_company import require_company

MOST_MEMBERS = 3_000
JOINED = Limit(50, timedelta(days=1))
"""Circles that one person joins or asks to join."""
ROLES = ("owner", "moderator", "member")


def join_circle(uow: UnitOfWork, circle_id: UUID) -> CircleMember:
    """Join a circle that anybody may, or ask its leaders. A member already, or asked already, nothing changes.

    Raises: as `standing_in`; Forbidden `organization_required`; Conflict `circle_full`, `circle_is_no_company`: circles are in
        no circles; TooMany `circle_joins_too_often`.

    Emits: CircleJoinAsked. Locks: the circle.
    """
    found = standing_in(uow, circle_id)
    return _join(uow, found, at_once=found.circle.joining == "open")


def join_by_link(uow: UnitOfWork, code: str) -> CircleMember:
    """Join at once by a circle's link; whoever was removed asks. Raises: as `join_circle`."""
    found = standing_by_link(uow, code)
    return _join(uow, found, at_once=True)


def standing_by_link(uow: UnitOfWork, code: str) -> CircleStanding:
    """The circle whose link it is. Raises: as `standing_in`; an internal one's opens for its company's people alone."""
    with beyond_own(uow):
        circle_id = uow.session.scalar(select(Circle.org_id).where(Circle.code == code))
    if circle_id is None:
        raise NotFound("circle_not_found")
    return standing_in(uow, circle_id)


def leave_circle(uow: UnitOfWork, circle_id: UUID) -> None:
    """Leave, or take back that one asked. Not in it, nothing changes.

    Raises: as `standing_in`; Conflict `circle_owner_stays`. Locks: the circle.
    """
    standing_in(uow, circle_id)
    person_id = uow.principal.person()
    with beyond_own(uow):
        locked_circle(uow, circle_id)
        member = find_member(uow, circle_id, person_id)
        if member is None or member.state not in ("asked", "active"):
            return
        _end(uow, member, "left")


def answer_join(uow: UnitOfWork, member_id: UUID, *, accept: bool) -> CircleMember:
    """Let somebody in who asked, or not. Answered alike already, nothing changes.

    Raises: NotFound `circle_member_not_found`; Forbidden `circle_leaders_only`; Conflict `circle_full`, `invalid_transition`.
    Emits: CircleJoinAnswered. Locks: the circle.
    """
    member = _led(uow, member_id)
    with beyond_own(uow):
        locked_circle(uow, member.org_id)
        uow.session.refresh(member)
        if accept and member.state != "active":
            _require_room(uow, member.org_id)
            member.joined_at = clock.now()
        moved = CIRCLE_MEMBER.move(uow, member, "active" if accept else "declined", org_ids=member.parties)
        uow.flush()
        if moved:
            emit(uow, CircleJoinAnswered(member_id=member.id, org_id=member.org_id, accepted=accept))
    return member


def remove_member(uow: UnitOfWork, member_id: UUID) -> CircleMember:
    """Take somebody out; what they wrote stays. Done already, nothing changes.

    A moderator removes members, and the owner moderators, too.

    Raises: NotFound `circle_member_not_found`; Forbidden `circle_leaders_only`, `circle_owner_only`;
        Conflict `circle_owner_stays`, `invalid_transition`. Locks: the circle.
    """
    member = _led(uow, member_id)
    if member.role in LEADERS:
        owner_of(uow, member.org_id)
    with beyond_own(uow):
        locked_circle(uow, member.org_id)
        uow.session.refresh(member)
        if member.state != "removed":
            _end(uow, member, "removed")
    audit.record(uow, "circle.member_removed", subject_id=member.id)
    return member


def set_role(uow: UnitOfWork, member_id: UUID, role: str) -> CircleMember:
    """Make a member a moderator, or a moderator a member; or hand the circle over: its owner becomes a moderator then.

    Raises: NotFound `circle_member_not_found`; Forbidden `circle_leaders_only`, `circle_owner_only`;
        Invalid `circle_setting_invalid`; Conflict `circle_owner_stays`: the owner's role is handed over, not given up;
        `circle_member_gone`: they are no member now. Locks: the circle.
    """
    if role not in ROLES:
        raise Invalid("circle_setting_invalid", field="role")
    member = _led(uow, member_id)
    owner = owner_of(uow, member.org_id).inside()
    with beyond_own(uow):
        locked_circle(uow, member.org_id)
        uow.session.refresh(member)
        uow.session.refresh(owner)
        if member.role == role:
            return member
        if member.role == "owner" or owner.role != "owner":
            raise Conflict("circle_owner_stays")
        if member.state != "active":
            raise Conflict("circle_member_gone")
        if role == "owner":
            _hand_over(uow, owner, member)
        member.role = role
        uow.flush()
    audit.record(uow, "circle.role_given", subject_id=member.id, role=role)
    return member


def set_listed(uow: UnitOfWork, circle_id: UUID, *, listed: bool) -> CircleMember:
    """Agree to stand in the directory that all members read, or take it back. Done already, nothing changes.

    Raises: as `member_of`; Conflict `circle_has_no_directory`. Locks: one's own row.
    """
    found = member_of(uow, circle_id)
    if found.circle.kind != "exchange":
        raise Conflict("circle_has_no_directory")
    own_id = found.inside().id
    with beyond_own(uow):
        member = lock_member(uow, own_id)
        if member.state == "active" and (member.listed_at is not None) is not listed:
            member.listed_at = clock.now() if listed else None
            uow.flush()
    return member


def lock_member(uow: UnitOfWork, member_id: UUID) -> CircleMember:
    """Read as the platform. Raises NotFound `circle_member_not_found`. Locks: the row."""
    member = lock_row(uow.session, CircleMember, member_id)
    if member is None:
        raise NotFound("circle_member_not_found")
    return member


def _join(uow: UnitOfWork, found: CircleStanding, *, at_once: bool) -> CircleMember:
    person_id, own_id, circle_id = uow.principal.person(), uow.principal.organization(), found.circle.org_id
    if found.member is not None and found.member.state == "active":
        return found.member
    require_company(uow)
    with beyond_own(uow):
        count_within(uow, JOINED, "circle_joins_too_often", "circle_joins", str(person_id))
        locked_circle(uow, circle_id)
        member = find_member(uow, circle_id, person_id)
        lets_in = at_once and not (member is not None and member.state == "removed")
        state = "active" if lets_in else "asked"
        if member is not None and member.state in ("active", state):
            return member
        if lets_in:
            _require_room(uow, circle_id)
        person, own = uow.session.get_one(Person, person_id), uow.session.get_one(Organization, own_id)
        if member is None:
            member = CircleMember(
                id=uuid7(), org_id=circle_id, person_id=person_id, role="member", listed_at=None, created_at=clock.now()
            )
            _say_who(member, person, own, lets_in=lets_in)
            CIRCLE_MEMBER.begin(uow, member, state, org_ids=member.parties)
            uow.session.add(member)
        else:
            _say_who(member, person, own, lets_in=lets_in)
            CIRCLE_MEMBER.move(uow, member, state, org_ids=member.parties)
        uow.flush()
        if not lets_in:
            emit(uow, CircleJoinAsked(member_id=member.id, org_id=circle_id))
    return member


def _say_who(member: CircleMember, person: Person, own: Organization, *, lets_in: bool) -> None:
    member.member_org_id, member.person_name, member.org_name = own.id, person.name, own.display_name
    member.joined_at = clock.now() if lets_in else member.joined_at


def _led(uow: UnitOfWork, member_id: UUID) -> CircleMember:
    """Somebody in a circle that the acting person leads. What is of a circle that they may not know is not there."""
    with beyond_own(uow):
        member = uow.session.get(CircleMember, member_id)
    if member is None:
        raise NotFound("circle_member_not_found")
    try:
        found = standing_in(uow, member.org_id)
    except NotFound as unknown:
        raise NotFound("circle_member_not_found") from unknown
    if not found.role:
        raise NotFound("circle_member_not_found")
    leader_of(uow, member.org_id)
    return member


def _end(uow: UnitOfWork, member: CircleMember, state: str) -> None:
    if member.role == "owner":
        raise Conflict("circle_owner_stays")
    member.listed_at, member.role = None, "member"
    CIRCLE_MEMBER.move(uow, member, state, org_ids=member.parties)
    uow.flush()


def _require_room(uow: UnitOfWork, circle_id: UUID) -> None:
    inside = select(func.count()).where(CircleMember.org_id == circle_id, state_in(CircleMember.state, "active"))
    if (uow.session.scalar(inside) or 0) >= MOST_MEMBERS:
        raise Conflict("circle_full", most=MOST_MEMBERS)


def _hand_over(uow: UnitOfWork, owner: CircleMember, member: CircleMember) -> None:
    """The circle's organization goes with it: the one acts for it from now on, and the other does not."""
    owner.role = "moderator"
    uow.flush()
    rows = {
        row.person_id: row
        for row in uow.session.scalars(
            select(Member)
            .where(Member.org_id == member.org_id, Member.person_id.in_([owner.person_id, member.person_id]))
            .with_for_update()
        )
    }
    MEMBER.move(uow, rows[owner.person_id], "removed", org_ids=[member.org_id])
    heir = rows.get(member.person_id)
    if heir is None:
        heir = Member(
            id=uuid7(), org_id=member.org_id, person_id=member.person_id, roles=["owner"], created_at=clock.now()
        )
        MEMBER.begin(uow, heir, org_ids=[member.org_id])
        uow.session.add(heir)
    else:
        heir.roles = ["owner"]
        MEMBER.move(uow, heir, "active", org_ids=[member.org_id])
