"""Refunds: reserved when asked for, proportional for everybody, and free again when refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.charges.models import Charge
from billing.gateways.janitor import JANITOR
from billing.gateways.ports import GatewayAnswer, NotReached, RefundRequest
from billing.gateways.result import NOT_REACHED, GatewayResult
from billing.gateways.sandbox import SandboxGateway
from billing.ledger.queries import balance_minor
from billing.operator_queues import list_operator_queues
from billing.payments.models import PaymentAllocation
from billing.payments.start_payment import start_payment
from billing.refunds.apply_gateway_result import apply_gateway_result
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.shares.models import Share
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM, Principal, PrincipalKind
from tests.factories_billing import House, Sale, do_sweep, facts, make_house, owed, read


class UnreachableGateway(SandboxGateway):
    """The sandbox, turning every refund away at the door."""

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        raise NotReached


def ask(
    house: House,
    sale: Sale,
    payment_id: UUID,
    amounts: dict[UUID, int] | None = None,
    amount_minor: int | None = None,
    who: Principal = SYSTEM,
) -> UUID:
    command = RequestRefund(
        sale.order_id, payment_id, "test", automatic=False, amounts=amounts or {}, amount_minor=amount_minor
    )
    with unit_of_work(house.db, who) as uow:
        return request_refund(uow, command)


def waiting(house: House, queue: str) -> int:
    with unit_of_work(house.db, SYSTEM) as uow:
        return next(row.count for row in list_operator_queues(uow) if row.key == queue)


def states_of(house: House, sale: Sale) -> dict[str, tuple[str, int]]:
    with unit_of_work(house.db, SYSTEM) as uow:
        shares = uow.session.scalars(select(Share).where(Share.reference == sale.line_id))
        return {share.kind: (share.state, share.amount_minor - share.reversed_minor) for share in shares}


class TestRequestRefund:
    def test_everything_goes_back_from_everyone(self, house: House) -> None:
        sale = Sale()
        refund_id = ask(house, sale, sale.paid(house))
        house.run()
        assert read(house.db, Refund, refund_id).state == "succeeded"
        assert states_of(house, sale) == dict.fromkeys(("seller", "commission", "promoter"), ("reversed", 0))
        assert owed(house.db, sale.seller_org_id) == (0, 0)
        assert facts(house.db, refund_id) == ["billing.refund_succeeded.v1"]
        with unit_of_work(house.db, SYSTEM) as uow:
            assert balance_minor(uow, sale.buyer_org_id, "buyer_credit", "CNY") == 0

    def test_a_part_goes_back_in_the_original_proportions(self, house: House) -> None:
        sale = Sale()
        ask(house, sale, sale.paid(house), {sale.line_id: 10_600})
        house.run()
        # 1060.00 was 860.00 + 150.00 + 50.00; a tenth of each went back.
        assert states_of(house, sale) == {
            "seller": ("pending", 77_400),
            "commission": ("pending", 13_500),
            "promoter": ("pending", 4_500),
        }

    def test_odd_parts_leave_nothing_behind(self, house: House) -> None:
        sale = Sale(net_minor=9_434, tax_minor=566)
        payment_id = sale.paid(house)
        for part in (1, 3_333, 3_333, 3_332, 1):
            ask(house, sale, payment_id, amount_minor=part)
            house.run()
        assert {left for _, left in states_of(house, sale).values()} == {0}
        with unit_of_work(house.db, SYSTEM) as uow:
            charge = uow.session.scalars(select(Charge).where(Charge.reference == sale.line_id)).one()
        assert (charge.refunded_minor, charge.reserved_net_minor) == (charge.gross_minor, charge.net_minor)

    def test_never_more_than_is_left_and_what_is_under_way_counts(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        ask(house, sale, payment_id, {sale.line_id: 100_000})
        with pytest.raises(Conflict) as refused:
            ask(house, sale, payment_id, {sale.line_id: 6_001})
        assert refused.value.code == "refund_exceeds_charge"
        ask(house, sale, payment_id, {sale.line_id: 6_000})
        with pytest.raises(Conflict, match="nothing_left_to_refund"):
            ask(house, sale, payment_id)

    def test_a_refused_refund_frees_its_reserve(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house, "sbx_refund_fails")
        refund_id = ask(house, sale, payment_id)
        house.run()
        assert read(house.db, Refund, refund_id).error_code == "refund_rejected"
        assert facts(house.db, refund_id) == ["billing.refund_failed.v1"]
        with unit_of_work(house.db, SYSTEM) as uow:
            allocation = uow.session.scalars(
                select(PaymentAllocation).where(PaymentAllocation.payment_id == payment_id)
            ).one()
        assert (allocation.reserved_minor, allocation.refunded_minor) == (0, 0)
        assert ask(house, sale, payment_id, {sale.line_id: 5}) != refund_id

    @pytest.mark.parametrize("token", ["sbx_refund_delayed", "sbx_refund_timeout"])
    def test_a_refund_whose_answer_is_late_or_lost_is_found(self, house: House, token: str) -> None:
        sale = Sale()
        refund_id = ask(house, sale, sale.paid(house, token))
        house.run()
        clock.advance(timedelta(seconds=15))
        do_sweep(house.db, JANITOR)
        assert read(house.db, Refund, refund_id).state == "succeeded"
        assert facts(house.db, refund_id) == ["billing.refund_succeeded.v1"]

    def test_a_gateway_that_is_not_reached_tells_nothing_new(self, db: Database, tmp_path: Path, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        make_house(db, tmp_path, {"sandbox": UnreachableGateway(db)})
        refund_id = ask(house, sale, payment_id)
        house.run()
        for result, state in (
            (NOT_REACHED, "processing"),
            (GatewayResult(unknown=True), "unknown"),
            (NOT_REACHED, "unknown"),
        ):
            with unit_of_work(db, SYSTEM) as uow:
                apply_gateway_result(uow, refund_id, result)
            assert read(db, Refund, refund_id).state == state

    def test_money_no_charge_has_taken_goes_back_too(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.start(house.db)
        house.run()
        refund_id = ask(house, sale, payment_id)
        house.run()
        assert read(house.db, Refund, refund_id).amount_minor == sale.gross_minor
        with unit_of_work(house.db, SYSTEM) as uow:
            assert balance_minor(uow, sale.buyer_org_id, "buyer_credit", "CNY") == 0

    def test_money_on_its_way_back_is_not_charged_any_more(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.start(house.db)
        house.run()
        ask(house, sale, payment_id)
        with pytest.raises(Conflict, match="charge_exceeds_payment"):
            sale.charge(house.db, payment_id)

    def test_what_failed_waits_for_somebody_until_it_is_tried_again(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house, "sbx_refund_fails")
        before = waiting(house, "refunds_failed")
        ask(house, sale, payment_id)
        house.run()
        assert waiting(house, "refunds_failed") == before + 1
        ask(house, sale, payment_id)
        assert waiting(house, "refunds_failed") == before

    def test_a_refund_after_the_hold_is_taken_from_what_is_available(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        sale.deliver(house.db)
        clock.advance(timedelta(days=8))
        do_sweep(house.db, "billing.shares.release")
        assert owed(house.db, sale.seller_org_id) == (0, 86_000)
        ask(house, sale, payment_id, {sale.line_id: 10_600})
        house.run()
        assert owed(house.db, sale.seller_org_id) == (0, 77_400)

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_is_no_refund(self, house: House, amount: int) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        by_line: dict[str, Any] = {"amounts": {sale.line_id: amount}}
        in_all: dict[str, Any] = {"amount_minor": amount}
        for field, asked in (("amounts", by_line), ("amount", in_all)):
            with pytest.raises(Invalid) as refused:
                ask(house, sale, payment_id, **asked)
            assert (refused.value.code, refused.value.field) == ("amount_not_positive", field)

    def test_buyer_and_seller_may_ask_and_nobody_else_learns_anything(self, house: House) -> None:
        sale = Sale()
        payment_id = sale.paid(house)
        for org_id in (sale.buyer_org_id, sale.seller_org_id):
            ask(house, sale, payment_id, {sale.line_id: 100}, who=Principal(PrincipalKind.PERSON, org_id=org_id))
        with pytest.raises(NotFound, match="payment_not_found"):
            ask(house, sale, payment_id, {sale.line_id: 100}, who=Principal(PrincipalKind.PERSON, org_id=uuid7()))
        with pytest.raises(NotFound) as refused:
            ask(house, sale, payment_id, {uuid7(): 100})
        assert refused.value.code == "charge_not_found"


def half_charged(house: House) -> tuple[Sale, UUID]:
    """2120.00 were paid for an order, and 1060.00 of it charged."""
    sale = Sale()
    command = replace(
        sale.start_command(),
        amount=Money(2 * sale.gross_minor, "CNY"),
        allocations=((sale.order_id, sale.seller_org_id, 2 * sale.gross_minor),),
    )
    with unit_of_work(house.db, SYSTEM) as uow:
        payment_id = start_payment(uow, command).request.row_id
    house.run()
    sale.charge(house.db, payment_id)
    return sale, payment_id


class TestAnOrderChargedInPart:
    def test_exactly_what_is_left_is_everything_money_not_charged_included(self, house: House) -> None:
        sale, payment_id = half_charged(house)
        ask(house, sale, payment_id, {sale.line_id: 6_000})
        refund_id = ask(house, sale, payment_id, amount_minor=206_000)
        house.run()
        assert read(house.db, Refund, refund_id).amount_minor == 206_000
        assert states_of(house, sale) == dict.fromkeys(("seller", "commission", "promoter"), ("reversed", 0))
        with unit_of_work(house.db, SYSTEM) as uow:
            assert balance_minor(uow, sale.buyer_org_id, "buyer_credit", "CNY") == 0

    def test_another_amount_is_of_what_was_charged(self, house: House) -> None:
        sale, payment_id = half_charged(house)
        for too_much in (106_001, 211_999):
            with pytest.raises(Conflict) as refused:
                ask(house, sale, payment_id, amount_minor=too_much)
            assert refused.value.code == "refund_exceeds_charge"
        ask(house, sale, payment_id, amount_minor=106_000)
        house.run()
        assert {left for _, left in states_of(house, sale).values()} == {0}
