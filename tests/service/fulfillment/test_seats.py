"""Seats: given to members, never above the quantity, taken back once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from fulfillment.entitlements.seats import assign_seat, revoke_seat
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.runs.conclude import Success, lock_run, succeed
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.principal import Principal
from tests.factories_fulfillment import Delivery, entitlement_of, make_delivery
from tests.factories_marketplace import acting, make_member, make_org


def active(uow: UnitOfWork, seats: int = 2) -> Delivery:
    made = make_delivery(uow, seats=seats)
    succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/"))
    uow.flush()
    return made


def refusal(uow: UnitOfWork, made: Delivery, member: Principal) -> str:
    with pytest.raises(Conflict) as refused, uow.session.begin_nested():
        assign_seat(uow, made.id, member.person())
    return refused.value.code


def test_seats_are_given_until_none_is_left_and_come_back(uow: UnitOfWork) -> None:
    made = active(uow, seats=2)
    first, second, third = (make_member(uow, made.buyer, "viewer") for _ in range(3))
    with acting(uow, made.buyer.owner):
        seat = assign_seat(uow, made.id, first.person())
        assign_seat(uow, made.id, second.person())
        assert refusal(uow, made, third) == "no_seat_left"
        for _ in range(2):
            revoke_seat(uow, made.id, seat)
        assert entitlement_of(uow, made.id).seats_used == 1
        assign_seat(uow, made.id, third.person())
        assert entitlement_of(uow, made.id).seats_used == 2


def test_nobody_takes_two(uow: UnitOfWork) -> None:
    made = active(uow)
    member = make_member(uow, made.buyer, "viewer")
    with acting(uow, made.buyer.owner):
        seat = assign_seat(uow, made.id, member.person())
        assert refusal(uow, made, member) == "seat_already_assigned"
        assert entitlement_of(uow, made.id).seats_used == 1
        revoke_seat(uow, made.id, seat)
        assert assign_seat(uow, made.id, member.person()) != seat


def test_nobody_gets_a_seat_after_the_term(uow: UnitOfWork, noon: datetime) -> None:
    made = active(uow)
    member = make_member(uow, made.buyer, "viewer")
    ends_at = entitlement_of(uow, made.id).valid_to
    assert ends_at is not None
    clock.advance(ends_at - noon)
    with acting(uow, made.buyer.owner):
        with pytest.raises(Conflict) as refused, uow.session.begin_nested():
            assign_seat(uow, made.id, member.person())
        assert (refused.value.code, refused.value.params) == ("entitlement_not_active", {"state": "expired"})
        with clock.frozen(ends_at - timedelta(seconds=1)):
            assign_seat(uow, made.id, member.person())


def test_only_what_is_active_has_seats_to_give(uow: UnitOfWork) -> None:
    made = make_delivery(uow)
    member = make_member(uow, made.buyer, "viewer")
    with acting(uow, made.buyer.owner):
        assert refusal(uow, made, member) == "entitlement_not_active"
    end_entitlement(uow, made.id, reason="refunded")
    with acting(uow, made.buyer.owner):
        assert refusal(uow, made, member) == "entitlement_not_active"


def test_a_plan_without_seats_gives_none(uow: UnitOfWork) -> None:
    made = active(uow, seats=0)
    member = make_member(uow, made.buyer, "viewer")
    with acting(uow, made.buyer.owner):
        assert refusal(uow, made, member) == "no_seat_left"


def test_others_and_their_people_do_not_exist(uow: UnitOfWork) -> None:
    made = active(uow)
    stranger = make_org(uow)
    member = make_member(uow, made.buyer, "viewer")
    with acting(uow, made.buyer.owner):
        seat = assign_seat(uow, made.id, member.person())
        for outsider in (stranger.owner.person(), uuid7()):
            with pytest.raises(NotFound):
                assign_seat(uow, made.id, outsider)
        with pytest.raises(NotFound):
            revoke_seat(uow, made.id, uuid7())
    for other in (stranger.owner, made.seller.owner):
        with acting(uow, other):
            with pytest.raises(NotFound):
                assign_seat(uow, made.id, other.person())
            with pytest.raises(NotFound):
                revoke_seat(uow, made.id, seat)
    assert entitlement_of(uow, made.id).seats_used == 1
