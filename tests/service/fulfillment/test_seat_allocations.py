"""Seats that a headquarters allocates: never twice, never fewer than are used, and given back when anything of it ends."""

from __future__ import annotations

import random
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.verify.delivery import SEATS
from app.verify.groups import ALLOCATED
from fulfillment.entitlements.allocation_models import AllocatedSeat, SeatAllocation
from fulfillment.entitlements.amend import amend, require_not_allocated
from fulfillment.entitlements.seats import assign_seat
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.conclude import Success, lock_run, succeed
from fulfillment.seat_allocations.allocate import AllocateSeats, allocate_seats, leave_group
from fulfillment.seat_allocations.assign import assign_allocated_seat, revoke_allocated_seat
from fulfillment.seat_allocations.queries import (
    allocations_of_group,
    get_own_allocation,
    holders_of_member,
    launch_allocated,
    list_own_allocations,
)
from kernel.db.uow import Database, UnitOfWork, transact, unit_of_work
from kernel.errors import Conflict, DomainError, Forbidden, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.groups.memberships import change_rights
from tests.factories_fulfillment import Delivery, entitlement_of, events_of, make_delivery, runs_of
from tests.factories_marketplace import Org, acting, make_member, make_org
from tests.races.crowd import at_once
from tests.service.marketplace.test_groups import joined, known


def bought(uow: UnitOfWork, seats: int = 100) -> Delivery:
    """A headquarters' entitlement in force."""
    made = make_delivery(uow, buyer=known(uow), seats=seats)
    succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
    uow.flush()
    return made


def subsidiary(uow: UnitOfWork, made: Delivery, *rights: str) -> tuple[Org, UUID]:
    member = known(uow)
    return member, joined(uow, made.buyer, member, "allocate_seats", *rights)


def allocate(uow: UnitOfWork, made: Delivery, membership_id: UUID, seats: int) -> SeatAllocation | None:
    with acting(uow, made.buyer.owner):
        return allocate_seats(uow, AllocateSeats(made.id, membership_id, seats))


def refused(uow: UnitOfWork, made: Delivery, membership_id: UUID, seats: int) -> DomainError:
    with acting(uow, made.buyer.owner), pytest.raises(DomainError) as raised:
        allocate_seats(uow, AllocateSeats(made.id, membership_id, seats))
    return raised.value


def counted(uow: UnitOfWork) -> list[int]:
    with acting(uow, SYSTEM):
        return [rule.find(uow).violations for rule in (SEATS, ALLOCATED)]


def seats_of(uow: UnitOfWork, member: Org, allocation_id: UUID, number: int) -> list[Principal]:
    people = [make_member(uow, member, "viewer") for _ in range(number)]
    with acting(uow, member.owner):
        for person in people:
            assign_allocated_seat(uow, allocation_id, person.person())
    return people


def test_a_hundred_seats_for_two_subsidiaries_and_no_more(uow: UnitOfWork) -> None:
    made = bought(uow)
    (_, first), (member, second) = subsidiary(uow, made), subsidiary(uow, made)
    allocate(uow, made, first, 60)
    row = allocate(uow, made, second, 40)
    assert row is not None
    assert refused(uow, made, second, 41).code == "seats_too_few"
    with acting(uow, made.buyer.owner):
        own = make_member(uow, made.buyer, "viewer")
        with pytest.raises(Conflict, match="no_seat_left"):
            assign_seat(uow, made.id, own.person())
    assert entitlement_of(uow, made.id).seats_allocated == 100
    seats_of(uow, member, row.id, 2)
    error = refused(uow, made, second, 1)
    assert (error.code, error.params["used"]) == ("allocation_in_use", 2)
    allocate(uow, made, second, 2)
    allocate(uow, made, second, 2)
    assert [one.seats for one in allocations(uow, made)] in ([60, 2], [2, 60])
    with acting(uow, member.owner), pytest.raises(Conflict, match="no_seat_left"):
        assign_allocated_seat(uow, row.id, make_member(uow, member, "viewer").person())
    said = entitlement_of(uow, made.id).context["allocations"]
    assert sorted(one["seats"] for one in said) == [2, 60]
    assert {one["organization"]["id"] for one in said} >= {str(member.id)}
    assert counted(uow) == [0, 0]


def allocations(uow: UnitOfWork, made: Delivery) -> list[SeatAllocation]:
    wanted = select(SeatAllocation).where(SeatAllocation.entitlement_id == made.id, SeatAllocation.ended_at.is_(None))
    with acting(uow, SYSTEM):
        return list(uow.session.scalars(wanted.execution_options(populate_existing=True)))


def test_a_subsidiary_gives_its_seats_and_its_headquarters_reads_numbers(uow: UnitOfWork) -> None:
    made = bought(uow, 5)
    member, one = subsidiary(uow, made)
    row = allocate(uow, made, one, 3)
    assert row is not None
    person, other = seats_of(uow, member, row.id, 2)
    with acting(uow, member.owner):
        detail = get_own_allocation(uow, row.id)
        assert (detail.row.title, detail.row.seats_used) == ("招聘专业版", 2)
        assert {seat.person_id for seat in detail.seats} == {person.person(), other.person()}
        assert launch_allocated(uow, row.id) == "https://app.example/"
        with pytest.raises(Conflict, match="seat_already_assigned"):
            assign_allocated_seat(uow, row.id, person.person())
        with pytest.raises(NotFound):
            assign_allocated_seat(uow, row.id, made.buyer.owner.person())
        for _ in range(2):
            revoke_allocated_seat(uow, row.id, detail.seats[0].id)
        assert get_own_allocation(uow, row.id).row.seats_used == 1
    with acting(uow, made.buyer.owner):
        (read,) = allocations_of_group(uow, membership_id=one)
        assert (read.seats, read.seats_used) == (3, 1)
        assert uow.session.scalars(select(AllocatedSeat)).all() == [], "row level security: no names"
        with pytest.raises(Forbidden, match="group_right_missing"):
            holders_of_member(uow, one)
        for act in (
            partial(assign_allocated_seat, uow, row.id, person.person()),
            partial(get_own_allocation, uow, row.id),
        ):
            with pytest.raises(NotFound):
                act()
    with acting(uow, member.owner):
        change_rights(uow, one, ["see_seat_holders"])
    with acting(uow, made.buyer.owner):
        assert [holder.allocation_id for holder in holders_of_member(uow, one)] == [row.id]
    error = refused(uow, made, one, 4)
    assert error.code == "group_right_missing", "more needs the right; fewer does not"
    allocate(uow, made, one, 2)
    assert counted(uow) == [0, 0]


@pytest.mark.parametrize("ending", ["hq", "member", "entitlement"])
def test_seats_are_given_back_at_once_when_it_ends(uow: UnitOfWork, ending: str) -> None:
    made = bought(uow, 10)
    (member, one), (_, two) = subsidiary(uow, made, "see_seat_holders"), subsidiary(uow, made)
    row = allocate(uow, made, one, 4)
    allocate(uow, made, two, 5)
    assert row is not None
    people = seats_of(uow, member, row.id, 2)
    if ending == "entitlement":
        with acting(uow, SYSTEM):
            end_entitlement(uow, made.id, reason="expired")
    else:
        with acting(uow, (made.buyer if ending == "hq" else member).owner):
            assert leave_group(uow, one).state == "ended"
            assert leave_group(uow, one).state == "ended"
    entitlement = entitlement_of(uow, made.id)
    assert entitlement.seats_allocated == (0 if ending == "entitlement" else 5)
    assert events_of(uow, row.id)[-1] == "fulfillment.allocation_ended.v1"
    with acting(uow, member.owner):
        detail = get_own_allocation(uow, row.id)
        expected = "entitlement_ended" if ending == "entitlement" else "group_ended"
        assert (detail.row.state, detail.row.ended_for, detail.seats) == ("ended", expected, ())
        assert list_own_allocations(uow, running=True).items == []
        for act in (
            partial(launch_allocated, uow, row.id),
            partial(assign_allocated_seat, uow, row.id, people[0].person()),
        ):
            with pytest.raises(Conflict, match="allocation_ended"):
                act()
    with acting(uow, made.buyer.owner):
        if ending == "entitlement":
            assert holders_of_member(uow, one) == []
        else:
            with pytest.raises(Conflict, match="group_not_active"):
                holders_of_member(uow, one)
    assert counted(uow) == [0, 0]


def test_fewer_seats_than_are_allocated_are_refused_and_what_comes_anyway_takes_the_last(uow: UnitOfWork) -> None:
    made = bought(uow, 10)
    (first, one), (second, two) = subsidiary(uow, made), subsidiary(uow, made)
    rows = [allocate(uow, made, membership, seats) for membership, seats in ((one, 4), (two, 3))]
    assert rows[0] is not None
    assert rows[1] is not None
    kept = seats_of(uow, first, rows[0].id, 3)
    seats_of(uow, second, rows[1].id, 1)
    with acting(uow, made.buyer.owner):
        assign_seat(uow, made.id, make_member(uow, made.buyer, "viewer").person())
    with acting(uow, SYSTEM):
        entitlement = entitlement_of(uow, made.id)
        require_not_allocated(entitlement, 7)
        with pytest.raises(Conflict, match="seats_are_allocated"):
            require_not_allocated(entitlement, 6)
        amend(uow, entitlement, seats=7, plan_id=entitlement.plan_id, plan={})
        uow.flush()
        assert (entitlement.seats_used, entitlement.seats_allocated) == (0, 7), "the buyer's own first"
        amend(uow, entitlement, seats=2, plan_id=entitlement.plan_id, plan={})
        uow.flush()
        assert entitlement.seats_allocated == 2
    assert counted(uow) == [0, 0]
    with acting(uow, second.owner):
        assert get_own_allocation(uow, rows[1].id).row.ended_for == "fewer_seats"
    with acting(uow, first.owner):
        holders = {seat.person_id for seat in get_own_allocation(uow, rows[0].id).seats}
    assert holders == {kept[0].person(), kept[1].person()}, "those that were given last are taken back"


def test_what_may_not_be_allocated(uow: UnitOfWork) -> None:
    made = bought(uow, 3)
    _, one = subsidiary(uow, made)
    none = make_delivery(uow, buyer=made.buyer, seats=0)
    assert refused(uow, none, one, 1).code == "entitlement_not_active", "pending"
    succeed(uow, *lock_run(uow, none.run_id), Success("t-2", "https://app.example/"))
    assert refused(uow, none, one, 1).code == "seats_not_allocatable"
    stranger = make_org(uow)
    with acting(uow, stranger.owner):
        for entitlement_id, membership_id in ((made.id, one), (made.id, uuid7())):
            with pytest.raises(NotFound):
                allocate_seats(uow, AllocateSeats(entitlement_id, membership_id, 1))
    with acting(uow, make_member(uow, made.buyer, "purchaser")), pytest.raises(Forbidden):
        allocate_seats(uow, AllocateSeats(made.id, one, 1))
    assert allocate(uow, made, one, 0) is None, "nothing to take back"


def test_the_sellers_system_is_told_by_a_change(uow: UnitOfWork) -> None:
    made = bought(uow, 3)
    _, one = subsidiary(uow, made)
    entitlement = entitlement_of(uow, made.id)
    before = len(runs_of(uow, made.id, "change"))
    allocate(uow, made, one, 2)
    told = len(runs_of(uow, made.id, "change")) - before
    assert told == (1 if entitlement.connector_id else 0)
    assert [one["seats"] for one in entitlement_of(uow, made.id).context["allocations"]] == [2]


STEPS = st.lists(
    st.tuples(st.sampled_from(["allocate", "own", "assign", "leave", "amend"]), st.integers(0, 1), st.integers(0, 7)),
    max_size=10,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_whatever_happens_no_seat_is_there_twice(uow: UnitOfWork, steps: list[tuple[str, int, int]]) -> None:
    made = bought(uow, 6)
    members = [subsidiary(uow, made) for _ in range(2)]
    for step, which, number in steps:
        member, membership_id = members[which]
        try:
            if step == "allocate":
                allocate(uow, made, membership_id, number)
            elif step == "own":
                person = make_member(uow, made.buyer, "viewer").person()
                with acting(uow, made.buyer.owner):
                    assign_seat(uow, made.id, person)
            elif step == "assign":
                row = next((one for one in allocations(uow, made) if one.org_id == member.id), None)
                if row is not None:
                    seats_of(uow, member, row.id, 1)
            elif step == "leave":
                with acting(uow, member.owner):
                    leave_group(uow, membership_id)
            else:
                with acting(uow, SYSTEM):
                    entitlement = entitlement_of(uow, made.id)
                    amend(uow, entitlement, seats=number, plan_id=entitlement.plan_id, plan={})
                    uow.flush()
        except (Conflict, Forbidden):
            pass
        entitlement = entitlement_of(uow, made.id)
        rows = allocations(uow, made)
        assert entitlement.seats_allocated == sum(one.seats for one in rows)
        assert entitlement.seats_used + entitlement.seats_allocated <= entitlement.seats
        assert all(0 <= one.seats_used <= one.seats for one in rows)
    assert counted(uow) == [0, 0]


@pytest.mark.races
def test_of_many_at_once_no_seat_is_allocated_twice(db: Database) -> None:
    """Six subsidiaries ask for 3 of 10 seats while one leaves and four people of the headquarters take one: 10 at most."""
    with unit_of_work(db, SYSTEM) as uow:
        made = bought(uow, 10)
        members = [subsidiary(uow, made) for _ in range(6)]
        people = [make_member(uow, made.buyer, "viewer").person() for _ in range(4)]
    owner = made.buyer.owner

    def allocated(one: UUID) -> str:
        return transact(db, owner, lambda uow: "yes" if allocate_seats(uow, AllocateSeats(made.id, one, 3)) else "none")

    def own(one: UUID) -> str:
        return transact(db, owner, lambda uow: f"own {assign_seat(uow, made.id, one)}"[:3])

    works = [partial(allocated, one) for _, one in members] + [partial(own, one) for one in people]
    works.append(partial(transact, db, members[0][0].owner, lambda uow: leave_group(uow, members[0][1]).state))
    random.Random(7).shuffle(works)
    answers = at_once(works)
    with unit_of_work(db, SYSTEM) as uow:
        row = entitlement_of(uow, made.id)
        assert row.seats_used + row.seats_allocated <= 10
        assert row.seats_used == answers.count("own")
        assert counted(uow) == [0, 0]
    assert set(answers) <= {"yes", "own", "ended", "seats_too_few", "no_seat_left", "group_not_active"}
    assert 2 <= answers.count("yes") <= 4, "what is given back may be allocated again"


@pytest.mark.races
def test_the_last_allocated_seat_is_given_once(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        made = bought(uow, 5)
        member, one = subsidiary(uow, made)
        row = allocate(uow, made, one, 2)
        assert row is not None
        people = [make_member(uow, member, "viewer").person() for _ in range(5)]
    allocation_id = row.id

    def give(who: UUID) -> str:
        return transact(db, member.owner, lambda uow: f"yes {assign_allocated_seat(uow, allocation_id, who)}"[:3])

    works = [partial(give, who) for who in people]
    answers = at_once(works)
    assert sorted(answers) == ["no_seat_left"] * 3 + ["yes"] * 2
