"""Groups: who may be whose headquarters, what it reads by which right, and that it ends at once."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.verify.groups import TWO_LEVELS
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, DomainError, Forbidden, NotFound
from kernel.principal import SYSTEM
from marketplace.groups.memberships import (
    AskGroup,
    accept_group,
    ask_group,
    change_rights,
    decline_group,
    end_group,
    withdraw_group,
)
from marketplace.groups.models import RIGHTS, GroupMembership
from marketplace.groups.queries import get_membership, list_memberships
from marketplace.groups.rights import READS, reading_of_member
from marketplace.parties.models import Organization
from orders.groups.queries import orders_of_member, used_by_member
from tests.factories_marketplace import Org, acting, make_member, make_org
from tests.races.crowd import at_once


def known(uow: UnitOfWork) -> Org:
    org = make_org(uow)
    with acting(uow, SYSTEM):
        uow.session.get_one(Organization, org.id).tax_id_verified_at = clock.now()
        uow.flush()
    return org


def asked(uow: UnitOfWork, hq: Org, member: Org, *rights: str, by_hq: bool = True) -> UUID:
    who, other = (hq, member) if by_hq else (member, hq)
    with acting(uow, who.owner):
        return ask_group(uow, AskGroup(other.id, by_hq, rights)).id


def joined(uow: UnitOfWork, hq: Org, member: Org, *rights: str) -> UUID:
    membership_id = asked(uow, hq, member, *rights)
    with acting(uow, member.owner):
        accept_group(uow, membership_id)
    return membership_id


def test_a_subsidiary_chooses_and_changes_what_its_headquarters_may_do(uow: UnitOfWork) -> None:
    hq, member = known(uow), known(uow)
    one = asked(uow, hq, member, "pay", "see_orders")
    with acting(uow, hq.owner):
        with pytest.raises(Conflict, match="group_not_yours"):
            accept_group(uow, one)
        with pytest.raises(Conflict, match="group_not_active"):
            orders_of_member(uow, one)
    with acting(uow, member.owner):
        assert get_membership(uow, one).may_answer
        assert accept_group(uow, one, ["see_usage"]).rights == ["see_usage"]
        assert accept_group(uow, one, ["pay"]).rights == ["see_usage"], "answered already"
        with pytest.raises(NotFound, match="group_membership_not_found"):
            used_by_member(uow, one)
    with acting(uow, hq.owner):
        assert used_by_member(uow, one).items == []
        with pytest.raises(Forbidden, match="group_right_missing"):
            orders_of_member(uow, one)
        with pytest.raises(NotFound, match="group_membership_not_found"):
            change_rights(uow, one, RIGHTS)
    with acting(uow, member.owner):
        assert change_rights(uow, one, ["pay", "see_orders", "pay"]).rights == ["see_orders", "pay"]
        with pytest.raises(DomainError, match="group_right_unknown"):
            change_rights(uow, one, ["sign_in"])
    with acting(uow, hq.owner):
        assert orders_of_member(uow, one).items == []
        with pytest.raises(Forbidden, match="group_right_missing"):
            used_by_member(uow, one)


def test_what_a_subsidiary_offers_is_what_its_headquarters_gets(uow: UnitOfWork) -> None:
    hq, member = known(uow), known(uow)
    one = asked(uow, hq, member, "see_usage", by_hq=False)
    with acting(uow, hq.owner):
        assert accept_group(uow, one, RIGHTS).rights == ["see_usage"]


@pytest.mark.parametrize("ends", ["hq", "member"])
def test_reading_ends_at_once_whoever_ends_it(uow: UnitOfWork, ends: str) -> None:
    hq, member = known(uow), known(uow)
    one = joined(uow, hq, member, *RIGHTS)
    with acting(uow, hq.owner):
        assert orders_of_member(uow, one).items == []
    with acting(uow, (hq if ends == "hq" else member).owner):
        assert end_group(uow, one).state == "ended"
        assert end_group(uow, one).state == "ended", "ended already"
    with acting(uow, hq.owner):
        for read in (orders_of_member, used_by_member):
            with pytest.raises(Conflict, match="group_not_active"):
                read(uow, one)
        assert [row.state for row in list_memberships(uow).items] == ["ended"]
    again = joined(uow, hq, member)
    assert again != one, "the first stays as it was"


def test_an_answer_is_given_once_and_a_stranger_finds_nothing(uow: UnitOfWork) -> None:
    hq, member, stranger = known(uow), known(uow), known(uow)
    one = asked(uow, hq, member)
    with acting(uow, stranger.owner):
        assert uow.session.scalars(select(GroupMembership)).all() == [], "row level security alone"
        for act in (accept_group, decline_group, withdraw_group, end_group, get_membership):
            with pytest.raises(NotFound, match="group_membership_not_found"):
                act(uow, one)
    with acting(uow, make_member(uow, member, "purchaser")), pytest.raises(Forbidden, match="permission_missing"):
        accept_group(uow, one)
    with acting(uow, member.owner):
        decline_group(uow, one)
        with pytest.raises(Conflict, match="group_answered"):
            accept_group(uow, one)
    two = asked(uow, hq, member)
    with acting(uow, hq.owner):
        withdraw_group(uow, two)
    with acting(uow, member.owner), pytest.raises(Conflict, match="group_answered"):
        accept_group(uow, two)


def test_a_group_has_two_levels(uow: UnitOfWork) -> None:
    top, middle, bottom = known(uow), known(uow), known(uow)
    joined(uow, top, middle)
    for hq, member, why in (
        (middle, bottom, "group_is_subsidiary"),
        (bottom, middle, "group_has_headquarters"),
        (bottom, top, "group_is_headquarters"),
        (middle, top, "group_is_subsidiary"),
    ):
        with pytest.raises(Conflict, match=why):
            asked(uow, hq, member)


def test_while_it_reads_a_headquarters_may_do_nothing_else(uow: UnitOfWork) -> None:
    """The scope that a right opens has the subsidiary's reads, nobody's person, and no write."""
    hq, member = known(uow), known(uow)
    one = joined(uow, hq, member, *RIGHTS)
    with acting(uow, hq.owner):
        for right, reads in READS.items():
            with reading_of_member(uow, one, right):
                assert (uow.principal.org_id, uow.principal.person_id) == (member.id, None)
                assert uow.principal.permissions == reads <= {"orders.read", "entitlements.read"}
            assert uow.principal == hq.owner


ACTS = st.lists(st.tuples(st.sampled_from(["join", "end"]), st.integers(0, 3), st.integers(0, 3)), max_size=12)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=ACTS)
def test_whatever_is_asked_in_whatever_order_there_are_two_levels(
    uow: UnitOfWork, acts: list[tuple[str, int, int]]
) -> None:
    orgs = [known(uow) for _ in range(4)]
    running: dict[tuple[int, int], UUID] = {}
    for act, a, b in acts:
        if act == "end" and (a, b) in running:
            with acting(uow, orgs[a].owner):
                end_group(uow, running.pop((a, b)))
        elif act == "join" and a != b and (a, b) not in running:
            try:
                running[a, b] = joined(uow, orgs[a], orgs[b])
            except Conflict:
                assert any(y in (a, b) or x == b for x, y in running), "refused without a reason"
    assert not {x for x, _ in running} & {y for _, y in running}
    assert len({y for _, y in running}) == len(running)
    ids = {org.id for org in orgs}
    with acting(uow, SYSTEM):
        found = uow.session.execute(
            select(GroupMembership.hq_org_id, GroupMembership.org_id).where(
                GroupMembership.state == "active", GroupMembership.org_id.in_(ids)
            )
        )
        assert len(found.all()) == len(running)


@pytest.mark.races
def test_of_answers_at_once_those_win_that_leave_two_levels(db: Database) -> None:
    """Three organizations, each asked by each other: whatever is accepted at the same moment, nobody is above and below."""
    with unit_of_work(db, SYSTEM) as uow:
        orgs = [known(uow) for _ in range(3)]
        pairs = list(itertools.permutations(orgs, 2))
        asked_for: list[tuple[Org, UUID]] = []
        for hq, member in pairs[:2] + pairs[3:4]:
            asked_for.append((member, asked(uow, hq, member)))
    works = [
        (lambda member=member, one=one: transact(db, member.owner, lambda uow: accept_group(uow, one).state))
        for member, one in asked_for
    ]
    answers = at_once(works)
    assert "active" in answers
    assert set(answers) <= {"active", "group_has_headquarters", "group_is_headquarters", "group_is_subsidiary"}
    with unit_of_work(db, SYSTEM) as uow:
        assert TWO_LEVELS.find(uow).violations == 0
