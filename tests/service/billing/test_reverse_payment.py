"""Money that went back without us: which order bears how much of it, and what waits in suspense."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.incidents.models import Incident
from billing.payments.start_payment import start_payment
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.refunds.reverse_payment import ReversePayment, reverse_payment
from kernel.db.uow import unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from tests.factories_billing import House, Sale

Origin = Literal["gateway", "reversal", "dispute"]
BY_HAND: Origin = "gateway"
BY_BANK: tuple[Origin, ...] = ("reversal", "dispute")


class Purchase:
    """One payment for several orders: 1060.00 for the first, twice as much for the second, and so on."""

    def __init__(self, house: House, orders: int, charged: int | None = None) -> None:
        self.house = house
        first = Sale()
        self.sales = [
            replace(
                first,
                order_id=uuid7(),
                line_id=uuid7(),
                seller_org_id=uuid7(),
                net_minor=number * first.net_minor,
                tax_minor=number * first.tax_minor,
            )
            for number in range(1, orders + 1)
        ]
        command = replace(
            first.start_command(),
            amount=Money(sum(sale.gross_minor for sale in self.sales), "CNY"),
            allocations=tuple((sale.order_id, sale.seller_org_id, sale.gross_minor) for sale in self.sales),
        )
        with unit_of_work(house.db, SYSTEM) as uow:
            self.payment_id = start_payment(uow, command).request.row_id
        house.run()
        for sale in self.sales[:charged]:
            sale.charge(house.db, self.payment_id)

    def give_back(self, number: int, amount_minor: int) -> None:
        """Refund a part of an order as somebody asked; the gateway has not been told yet."""
        asked = RequestRefund(
            self.sales[number].order_id, self.payment_id, "test", automatic=False, amount_minor=amount_minor
        )
        with unit_of_work(self.house.db, SYSTEM) as uow:
            request_refund(uow, asked)

    def lose(self, amount_minor: int, origin: Origin, reference: str = "gone_1") -> None:
        """That much of the payment is gone."""
        command = ReversePayment(
            self.payment_id, amount_minor, origin, "external_refund", self.payment_id, reference, "because"
        )
        with unit_of_work(self.house.db, SYSTEM) as uow:
            reverse_payment(uow, command)

    def refunds(self) -> list[Refund]:
        """What the orders bore of it."""
        with unit_of_work(self.house.db, SYSTEM) as uow:
            statement = select(Refund).where(Refund.payment_id == self.payment_id, Refund.origin != "request")
            return list(uow.session.scalars(statement.order_by(Refund.id)))

    def borne(self) -> list[int]:
        """How much each order bore."""
        refunds = self.refunds()
        assert {refund.state for refund in refunds} <= {"succeeded"}
        return [sum(one.amount_minor for one in refunds if one.reference == sale.order_id) for sale in self.sales]

    def suspense(self) -> int:
        """How much waits for somebody to say whose it is."""
        with unit_of_work(self.house.db, SYSTEM) as uow:
            statement = select(Incident.suspense_minor).where(Incident.subject_id == self.payment_id)
            return sum(uow.session.scalars(statement))


@pytest.mark.parametrize("origin", BY_BANK)
class TestWhatABankTookBack:
    def test_orders_bear_it_in_proportion(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=3)
        purchase.lose(60_000, origin)
        assert purchase.borne() == [10_000, 20_000, 30_000]
        assert purchase.suspense() == 0

    def test_what_was_given_back_or_is_on_its_way_is_left_no_more(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2)
        # 1060.00 and 1060.00 are left.
        purchase.give_back(1, 106_000)
        purchase.lose(50_000, origin)
        assert purchase.borne() == [25_000, 25_000]
        assert purchase.suspense() == 0

    def test_an_order_that_was_refunded_bears_nothing(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2)
        purchase.give_back(0, 106_000)
        purchase.lose(50_000, origin)
        assert purchase.borne() == [0, 50_000]
        assert [refund.reference for refund in purchase.refunds()] == [purchase.sales[1].order_id]

    def test_all_of_it_is_all_of_each(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2)
        purchase.lose(318_000, origin)
        assert purchase.borne() == [106_000, 212_000]
        assert purchase.suspense() == 0

    def test_what_is_more_than_left_waits_in_suspense(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2)
        purchase.give_back(1, 200_000)
        purchase.lose(318_000, origin)
        assert purchase.borne() == [106_000, 12_000]
        assert purchase.suspense() == 200_000

    def test_of_what_is_not_charged_yet_no_part_is_taken(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2, charged=1)
        purchase.lose(30_000, origin)
        assert purchase.borne() == [10_000, 0]
        assert len(purchase.refunds()) == 1
        assert purchase.suspense() == 20_000
        # So that it can still be charged.
        purchase.sales[1].charge(house.db, purchase.payment_id)

    def test_what_is_not_charged_yet_goes_as_a_whole(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2, charged=1)
        purchase.lose(318_000, origin)
        assert purchase.borne() == [106_000, 212_000]
        assert purchase.suspense() == 0

    def test_several_refunds_are_known_by_none_of_the_gateways_names(self, house: House, origin: Origin) -> None:
        purchase = Purchase(house, orders=2)
        purchase.lose(30_000, origin)
        assert {refund.gateway_reference for refund in purchase.refunds()} == {None}


class TestWhatWasGivenBackByHand:
    def test_a_part_of_one_order_is_that_orders(self, house: House) -> None:
        purchase = Purchase(house, orders=1)
        purchase.lose(30_000, BY_HAND)
        assert purchase.borne() == [30_000]
        assert purchase.suspense() == 0
        assert [refund.gateway_reference for refund in purchase.refunds()] == ["gone_1"]

    def test_nobody_knows_for_which_of_several_orders_a_part_was(self, house: House) -> None:
        purchase = Purchase(house, orders=2)
        purchase.lose(317_999, BY_HAND)
        assert purchase.refunds() == []
        assert purchase.suspense() == 317_999

    @pytest.mark.parametrize("more", [0, 5_000])
    def test_all_that_is_left_was_for_all_of_them(self, house: House, more: int) -> None:
        purchase = Purchase(house, orders=2)
        purchase.give_back(1, 100_000)
        purchase.lose(218_000 + more, BY_HAND)
        assert purchase.borne() == [106_000, 112_000]
        assert purchase.suspense() == more

    def test_when_nothing_is_left_no_order_bears_it(self, house: House) -> None:
        purchase = Purchase(house, orders=1)
        purchase.give_back(0, 106_000)
        purchase.lose(30_000, BY_HAND)
        assert purchase.refunds() == []
        assert purchase.suspense() == 30_000


class TestReversePayment:
    def test_other_payments_stay_as_they_are(self, house: House) -> None:
        mine, other = Purchase(house, orders=1), Purchase(house, orders=1)
        mine.lose(106_000, "reversal")
        assert mine.borne() == [106_000]
        assert other.refunds() == []

    def test_what_is_told_twice_is_borne_once(self, house: House) -> None:
        purchase = Purchase(house, orders=2)
        for _ in range(2):
            purchase.lose(30_000, "reversal")
        assert purchase.borne() == [10_000, 20_000]
        purchase.lose(30_000, "reversal", reference="gone_2")
        assert purchase.borne() == [20_000, 40_000]

    def test_of_an_unknown_payment_nothing_goes_back(self, house: House) -> None:
        unknown: UUID = uuid7()
        command = ReversePayment(unknown, 1, "reversal", "payment_reversed", unknown, "gone_1", "because")
        with pytest.raises(NotFound) as refused, unit_of_work(house.db, SYSTEM) as uow:
            reverse_payment(uow, command)
        assert refused.value.code == "payment_not_found"
