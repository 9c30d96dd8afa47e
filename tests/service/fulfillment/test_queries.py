"""Reads: what buyer, seller and operator may know, and that each of the two nets holds alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fulfillment.entitlements import queries as entitlements_queries
from fulfillment.entitlements.seats import assign_seat
from fulfillment.runs import queries as runs_queries
from fulfillment.runs.conclude import Success, give_up, lock_run, succeed
from fulfillment.runs.models import RUN, RunAttempt
from fulfillment.usage.check_entitlement import check_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, Principal
from tests.conftest import act_as
from tests.factories_fulfillment import Delivery, make_delivery
from tests.factories_marketplace import OPERATOR_PRINCIPAL, acting, make_member, make_org, make_seller


def activated(uow: UnitOfWork, **changes: object) -> Delivery:
    made = make_delivery(uow, **changes)  # type: ignore[arg-type]
    succeed(uow, *lock_run(uow, made.run_id), Success("t-1", "https://app.example/t/1", "好了", "done"))
    uow.flush()
    return made


def tried(uow: UnitOfWork, made: Delivery, tries: int = 1) -> None:
    run, _ = lock_run(uow, made.run_id)
    run.tries = tries
    for number in range(1, tries + 1):
        uow.session.add(
            RunAttempt(
                id=uuid7(),
                started_at=clock.now(),
                run_id=run.id,
                buyer_org_id=run.buyer_org_id,
                seller_org_id=run.seller_org_id,
                number=number,
                epoch=number,
                outcome="retry",
                status=503,
                elapsed_ms=7,
                reason="http_503",
                request_excerpt="asked",
                response_excerpt="answered",
            )
        )
    uow.flush()


class TestBuyer:
    def test_list_and_detail_with_the_holders_of_seats(self, uow: UnitOfWork) -> None:
        made = activated(uow)
        member = make_member(uow, made.buyer, "viewer")
        with acting(uow, made.buyer.owner):
            seat = assign_seat(uow, made.id, member.person())
            (row,) = entitlements_queries.entitlements_of_buyer(uow).items
            detail = entitlements_queries.get_entitlement(uow, made.id)
        assert detail.row == row
        assert (row.state, row.is_usable, row.seats, row.seats_used) == ("active", True, 3, 1)
        assert (row.plan_code, row.reference, row.external_id) == ("pro", made.reference, "t-1")
        assert [(item.id, item.name, item.email) for item in detail.seats] == [(seat, "同事", member.label)]

    def test_pages_do_not_repeat_nor_skip(self, uow: UnitOfWork) -> None:
        buyer, seller = make_org(uow), make_seller(uow)
        made = [make_delivery(uow, buyer=buyer, seller=seller).id for _ in range(5)]
        with acting(uow, buyer.owner):
            found, cursor = [], None
            for _ in range(3):
                page = entitlements_queries.entitlements_of_buyer(uow, cursor=cursor, limit=2)
                found += [row.id for row in page.items]
                cursor = page.next_cursor
        assert found == made[::-1]
        assert cursor is None

    def test_open_leads_to_the_seller_while_it_may_be_used(self, uow: UnitOfWork, noon: datetime) -> None:
        pending, made = make_delivery(uow), activated(uow)
        with acting(uow, pending.buyer.owner), pytest.raises(Conflict):
            entitlements_queries.launch_address(uow, pending.id)
        with acting(uow, made.buyer.owner):
            assert entitlements_queries.launch_address(uow, made.id) == "https://app.example/t/1"
            clock.advance(timedelta(days=366))
            with pytest.raises(Conflict):
                entitlements_queries.launch_address(uow, made.id)

    def test_deliveries_of_order_lines_show_tries_without_what_went_over_the_wire(self, uow: UnitOfWork) -> None:
        made, other = activated(uow), activated(uow)
        tried(uow, made, 2)
        asked = [made.reference, other.reference, uuid7()]
        with acting(uow, made.buyer.owner):
            found = runs_queries.deliveries_of(uow, asked)
        assert list(found) == [made.reference]
        delivery = found[made.reference]
        assert (delivery.run_state, delivery.percent, delivery.message, delivery.external_id) == (
            "succeeded",
            100,
            "好了",
            "t-1",
        )
        assert [(item.number, item.status, item.request_excerpt) for item in delivery.attempts] == [
            (1, 503, None),
            (2, 503, None),
        ]
        with acting(uow, made.seller.owner):
            seen = runs_queries.deliveries_of(uow, asked)[made.reference].attempts
        assert [item.response_excerpt for item in seen] == ["answered", "answered"]
        with acting(uow, OPERATOR_PRINCIPAL):
            assert set(runs_queries.deliveries_of(uow, asked)) == {made.reference, other.reference}


class TestSeller:
    def test_runs_by_state_and_detail_with_tries(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        done, waits = activated(uow, seller=seller), make_delivery(uow, seller=seller)
        tried(uow, done)
        with acting(uow, seller.owner):
            assert [row.id for row in runs_queries.runs_of_seller(uow).items] == [waits.run_id, done.run_id]
            assert [row.id for row in runs_queries.runs_of_seller(uow, state="queued").items] == [waits.run_id]
            detail = runs_queries.get_run(uow, done.run_id)
        assert (detail.row.buyer_name, detail.row.order_number) == ("买方有限公司", "O-1")
        assert [(item.number, item.request_excerpt) for item in detail.attempts] == [(1, "asked")]

    def test_of_very_many_tries_the_latest_are_shown(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        tried(uow, made, 203)
        with acting(uow, made.seller.owner):
            numbers = [item.number for item in runs_queries.get_run(uow, made.run_id).attempts]
        assert numbers == list(range(4, 204))

    def test_what_needs_a_hand(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        failed, dead, struggling, fine, done = (make_delivery(uow, seller=seller) for _ in range(5))
        give_up(uow, *lock_run(uow, failed.run_id), state="failed", reason="no")
        give_up(uow, *lock_run(uow, dead.run_id), state="dead", reason="late")
        tried(uow, struggling, runs_queries.TROUBLED_AFTER_TRIES)
        tried(uow, fine, runs_queries.TROUBLED_AFTER_TRIES - 1)
        succeed(uow, *lock_run(uow, done.run_id), Success("t", "https://app.example/"))
        uow.flush()
        with acting(uow, seller.owner):
            found = {row.id: row.may_replay for row in runs_queries.troubled_runs(uow)}
        assert found == {failed.run_id: True, dead.run_id: True, struggling.run_id: False}


class TestCheck:
    def test_buyer_and_seller_get_the_same_answer(self, uow: UnitOfWork) -> None:
        made = activated(uow)
        with acting(uow, made.buyer.owner):
            buyers = check_entitlement(uow, made.id)
        with acting(uow, made.seller.owner):
            sellers = check_entitlement(uow, made.id)
        assert buyers == sellers
        assert (buyers.active, buyers.state, buyers.plan_code) == (True, "active", "pro")

    def test_the_tag_changes_exactly_when_the_answer_does(self, uow: UnitOfWork, noon: datetime) -> None:
        made = activated(uow)
        with acting(uow, made.buyer.owner):
            first = check_entitlement(uow, made.id)
            clock.advance(timedelta(days=1))
            assert check_entitlement(uow, made.id) == first
            assign_seat(uow, made.id, made.buyer.owner.person())
            second = check_entitlement(uow, made.id)
            clock.advance(timedelta(days=366))
            third = check_entitlement(uow, made.id)
        assert len({first.etag, second.etag, third.etag}) == 3
        assert (third.active, third.state) == (False, "active")

    def test_a_pending_one_is_not_active(self, uow: UnitOfWork) -> None:
        made = make_delivery(uow)
        with acting(uow, made.seller.owner):
            assert check_entitlement(uow, made.id).active is False


READS: dict[str, Callable[[UnitOfWork, Delivery], object]] = {
    "entitlement": lambda uow, made: entitlements_queries.get_entitlement(uow, made.id),
    "launch": lambda uow, made: entitlements_queries.launch_address(uow, made.id),
    "check": lambda uow, made: check_entitlement(uow, made.id),
    "run": lambda uow, made: runs_queries.get_run(uow, made.run_id),
}


class TestTwoNets:
    @pytest.mark.parametrize("read", READS)
    @pytest.mark.parametrize("net", ["both", "query", "rows"])
    def test_a_stranger_finds_nothing_with_either_net_alone(self, uow: UnitOfWork, read: str, net: str) -> None:
        made = activated(uow)
        tried(uow, made)
        for stranger in (make_org(uow).owner, make_seller(uow).owner, ANONYMOUS):
            self._see_as(uow, stranger, net)
            with pytest.raises(NotFound):
                READS[read](uow, made)
            if stranger.org_id is not None and net != "rows":
                assert not entitlements_queries.entitlements_of_buyer(uow).items
                assert not runs_queries.runs_of_seller(uow).items
            assert not runs_queries.troubled_runs(uow)
            assert not runs_queries.deliveries_of(uow, [made.reference])
            act_as(uow, OPERATOR_PRINCIPAL)

    def test_the_buyer_does_not_see_the_sellers_desk_nor_the_seller_the_buyers_people(self, uow: UnitOfWork) -> None:
        made = activated(uow)
        run, _ = lock_run(uow, make_delivery(uow, buyer=made.buyer, seller=made.seller).run_id)
        RUN.move(uow, run, "dead", org_ids=[run.buyer_org_id])
        uow.flush()
        with acting(uow, made.buyer.owner):
            assert not runs_queries.runs_of_seller(uow).items
            assert not runs_queries.troubled_runs(uow)
            with pytest.raises(NotFound):
                runs_queries.get_run(uow, made.run_id)
        with acting(uow, made.seller.owner):
            assert not entitlements_queries.entitlements_of_buyer(uow).items
            with pytest.raises(NotFound):
                entitlements_queries.get_entitlement(uow, made.id)

    def _see_as(self, uow: UnitOfWork, stranger: Principal, net: str) -> None:
        """`query`: rows are open to all, the query alone must hold. `rows`: the query thinks it is the platform."""
        match net:
            case "both":
                act_as(uow, stranger)
            case "query":
                act_as(uow, OPERATOR_PRINCIPAL)
                uow.principal = stranger
            case "rows":
                act_as(uow, stranger)
                uow.principal = replace(OPERATOR_PRINCIPAL, org_id=stranger.org_id)
