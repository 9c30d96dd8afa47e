"""Whatever is ordered, decided, given back or changed, in whatever order and month: what a payer's month counts is what its
orders come to, fits the limit when it is ordered, and is never below nothing.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from python_calamine import CalamineWorkbook

from api.v1.payer_charges import PayerMonthOut
from api.v1.payer_months_file import HEADER, months_csv, months_xlsx
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import hash_token
from marketplace.access.models import SignInSession
from marketplace.parties.lookups import get_party
from marketplace.payers.agree import PayerLimits, change_limits, end_agreement
from orders.checkout.cancel_purchase import cancel_purchase
from orders.checkout.payer_charges import used_of_month
from orders.checkout.priced_line import Context
from orders.checkout.request_payment import pay_again
from orders.loop import SWEEP_PURCHASES
from orders.payers.decide_charge import PayerWay, approve_charge, decline_charge, set_standing_method
from orders.payers.queries import PayerMonthRow
from tests.api_server import application
from tests.loop.test_payers import OK, Paid, told
from tests.loop_stage import Stage

EXPORT = "/v1/payer-months/export"
SEAT = 19_900
SEATS = (1, 7, 20)
LIMITS = st.one_of(st.none(), st.sampled_from([0, SEAT, 7 * SEAT, 20 * SEAT - 1, 20 * SEAT, 28 * SEAT, 60 * SEAT]))
Step = tuple[str, int | None]
WHICH = st.integers(0, 5)
STEP = st.one_of(
    st.tuples(st.just("buy"), st.sampled_from(SEATS)),
    st.tuples(st.sampled_from(["approve", "fail", "decline", "cancel", "own", "refund", "part"]), WHICH),
    st.tuples(st.sampled_from(["limit", "order_limit"]), LIMITS),
    st.tuples(st.sampled_from(["standing", "asked", "month", "sweep"]), st.none()),
)
WAYS: tuple[tuple[Step, ...], ...] = (
    (("approve", 0), ("refund", 0)),
    (("approve", 0), ("part", 0), ("part", 0), ("refund", 0)),
    (("approve", 0), ("month", None), ("refund", 0), ("buy", 20)),
    (("month", None), ("approve", 0), ("buy", 20)),
    (("fail", 0), ("own", 0)),
    (("fail", 0), ("month", None), ("sweep", None)),
    (("decline", 0), ("buy", 20), ("own", 0)),
    (("cancel", 0), ("buy", 20)),
    (("standing", None), ("buy", 7), ("refund", 0), ("buy", 20)),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """Ordered, and gone one way or another, twice or thrice, with anything in between; perhaps the agreement ends."""
    steps: list[Step] = [("limit", draw(LIMITS))]
    for way in draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=3)):
        steps += [("buy", draw(st.sampled_from(SEATS))), *way]
    for step in draw(st.lists(STEP, max_size=4)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    if draw(st.booleans()):
        steps.insert(draw(st.integers(2, len(steps))), ("end", None))
    return steps


@dataclass
class Bought:
    """What the test itself remembers of an order: nothing of it is read from what is tested."""

    gross: int
    month: date
    counts: bool = True
    back: int = 0


@dataclass
class Book:
    """An agreement, and what should count of each of its months."""

    paid: Paid
    plan: UUID
    context: Context
    limit: int | None = None
    order_limit: int | None = None
    ended: bool = False
    orders: dict[UUID, Bought] = field(default_factory=dict)

    def take(self, step: str, value: int | None) -> None:
        """One step, and what follows. What is refused changes nothing."""
        works: dict[str, Callable[[], object]] = {
            "buy": lambda: self._buy(value or 1),
            "approve": lambda: self._approve(value, OK),
            "fail": lambda: self._approve(value, PayerWay("sandbox", "sbx_declined")),
            "decline": lambda: self._decline(value),
            "cancel": lambda: self._cancel(value),
            "own": lambda: self._own(value),
            "refund": lambda: self._refund(value, None),
            "part": lambda: self._refund(value, SEAT // 2),
            "limit": lambda: self._limits(value, self.order_limit),
            "order_limit": lambda: self._limits(self.limit, value),
            "standing": self.paid.pays_at_once,
            "asked": lambda: self.paid.as_payer(lambda uow: set_standing_method(uow, self.paid.agreement, None)),
            "month": self._month,
            "sweep": self._sweep,
            "end": self._end,
        }
        with suppress(DomainError):
            works[step]()
            event(step)
        self.paid.stage.run()

    def present(self) -> date:
        with unit_of_work(self.paid.stage.services.db, SYSTEM) as uow:
            return clock.today(get_party(uow, self.paid.payer.id).time_zone).replace(day=1)

    def used(self) -> dict[date, int]:
        """By month, of what counts: what was ordered in it, less what of that was given back, whenever it was."""
        found: dict[date, int] = defaultdict(int)
        for one in self.orders.values():
            found[one.month] += (one.gross - one.back) if one.counts else 0
        return found

    def _order(self, which: int | None) -> UUID:
        """The newest is 0."""
        ids = list(reversed(self.orders))
        return ids[(which or 0) % len(ids)] if ids else UUID(int=0)

    def _buy(self, seats: int) -> None:
        quote_id = self.paid.stage.quote(self.plan, seats, context=self.context)
        month, gross = self.present(), seats * SEAT
        answer = told(lambda: self.paid.buy(quote_id))
        fits = self.limit is None or self.used()[month] + gross <= self.limit
        if self.ended or not fits:
            assert answer == ("payer_agreement_over" if self.ended else "payer_month_limit")
            event("refused")
            return
        assert isinstance(answer, UUID), answer
        order = self.paid.stage.order(answer)
        charge = self.paid.charge(answer)
        assert (order.gross_minor, charge.amount_minor, charge.month) == (gross, gross, month)
        assert (charge.used_minor, charge.limit_minor) == (self.used()[month], self.limit)
        self.orders[answer] = Bought(gross, month)

    def _approve(self, which: int | None, way: PayerWay) -> None:
        order_id = self._order(which)
        if order_id in self.orders:
            charge_id = self.paid.charge(order_id).id
            self.paid.as_payer(lambda uow: approve_charge(uow, charge_id, way).id)

    def _decline(self, which: int | None) -> None:
        order_id = self._order(which)
        if order_id in self.orders:
            charge_id = self.paid.charge(order_id).id
            self.paid.as_payer(lambda uow: decline_charge(uow, charge_id, "Not this year.").id)
            self.orders[order_id].counts = False

    def _cancel(self, which: int | None) -> None:
        order_id = self._order(which)
        if order_id in self.orders:
            purchase_id = self.paid.stage.order(order_id).purchase_id
            self._do(lambda uow: cancel_purchase(uow, purchase_id).id)
            self.orders[order_id].counts = False

    def _own(self, which: int | None) -> None:
        order_id = self._order(which)
        if order_id in self.orders:
            purchase_id = self.paid.stage.order(order_id).purchase_id
            self._do(lambda uow: pay_again(uow, purchase_id, gateway="sandbox", method_token="sbx_ok"))
            self.orders[order_id].counts = False

    def _refund(self, which: int | None, amount: int | None) -> None:
        order_id = self._order(which)
        if order_id in self.orders:
            refund_id = self.paid.stage.refund(order_id, amount)
            self.paid.stage.run()
            (refund,) = (one for one in self.paid.stage.refunds(order_id) if one.id == refund_id)
            assert refund.state == "succeeded"
            if amount is not None:
                assert refund.amount_minor == amount
            self.orders[order_id].back += refund.amount_minor

    def _limits(self, month: int | None, order: int | None) -> None:
        limits = PayerLimits(month, order)
        self.paid.as_payer(lambda uow: change_limits(uow, self.paid.agreement, limits).id)
        self.limit, self.order_limit = month, order

    def _month(self) -> None:
        """The payer's next month begins."""
        clock.advance(timedelta(days=(32 - clock.now().day)))

    def _sweep(self) -> None:
        """What waited for too long is over."""
        over = self._waiting(clock.now())
        self.paid.stage.tick(SWEEP_PURCHASES)
        for order_id in over:
            assert self.paid.stage.order(order_id).state == "expired"
            self.orders[order_id].counts = False

    def _end(self) -> None:
        waiting = self._waiting(None)
        self.paid.as_payer(lambda uow: end_agreement(uow, self.paid.agreement).id)
        self.ended = True
        for order_id in waiting:
            self.orders[order_id].counts = False

    def _waiting(self, until: Any) -> list[UUID]:
        """Orders that wait for the payer, whose time is over by then."""
        found = []
        for order_id, one in self.orders.items():
            order = self.paid.stage.order(order_id)
            if one.counts and order.state == "pending_payment":
                assert order.deadline_at is not None
                if until is None or order.deadline_at <= until:
                    found.append(order_id)
        return found

    def _do(self, work: Callable[[Any], Any]) -> Any:
        return self.paid.do(self.paid.stage.purchaser, work)


@given(steps=stories())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_counts_is_what_the_orders_come_to(stage: Stage, steps: list[Step]) -> None:
    paid = Paid(stage, PayerLimits())
    plan, context = stage.offer(refund_window_days=180)
    book = Book(paid, plan, context)
    try:
        for step, value in steps:
            book.take(step, value)
            holds(book)
        paid.sound()
    finally:
        # Another story has another payer.
        paid.as_payer(lambda uow: end_agreement(uow, paid.agreement).id)
        stage.run()


def holds(book: Book) -> None:
    """Every place that says what a month has used says what the orders come to; and it is never below nothing."""
    paid, wanted = book.paid, book.used()
    for order_id, one in book.orders.items():
        assert (paid.charge(order_id).state in ("asked", "approved")) is one.counts
    with unit_of_work(paid.stage.services.db, SYSTEM) as uow:
        used = {month: used_of_month(uow, paid.agreement, month) for month in wanted}
    assert used == wanted
    assert all(minor >= 0 for minor in used.values())
    months = paid.months()
    counted = {one.month: one.used_minor for one in months}
    assert counted == {month: used[month] for month in {one.month for one in book.orders.values() if one.counts}}
    if not book.ended:
        assert paid.used() == wanted[book.present()]
    written(months)


def written(months: list[PayerMonthRow]) -> None:
    """Both tables say what the API says, row by row."""
    same(
        [PayerMonthOut.of(one) for one in months],
        months_csv(months),
        months_xlsx(months),
    )


def same(out: list[PayerMonthOut], as_csv: bytes, as_xlsx: bytes) -> None:
    """Amounts are compared in minor units."""
    wanted = [
        [
            f"{one.month:%Y-%m}",
            one.org_name,
            one.purchases,
            *("" if money is None else money.amount for money in (one.ordered, one.refunded, one.limit, one.left)),
            one.ordered.currency,
        ]
        for one in out
    ]
    from_csv = list(csv.reader(StringIO(as_csv.decode("utf-8-sig"))))
    book = CalamineWorkbook.from_filelike(BytesIO(as_xlsx)).get_sheet_by_index(0).to_python()
    for head, *rows in (from_csv, [[str(cell) for cell in row] for row in book]):
        assert head == list(HEADER)
        assert [in_minor(row) for row in rows] == wanted


def in_minor(row: list[str]) -> list[str | int]:
    """A row of a table with its amounts in minor units, and its count as a whole number."""
    month, name, purchases, *amounts, currency = row
    return [month, name, int(float(purchases)), *(int(Decimal(one) * 100) if one else "" for one in amounts), currency]


def signed_in(stage: Stage, who: Principal, org_id: UUID) -> TestClient[Any]:
    token = str(uuid7())
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        ends = clock.now() + timedelta(days=1)
        uow.session.add(
            SignInSession(token_hash=hash_token(token), person_id=who.person(), org_id=org_id, expires_at=ends)
        )
    client = TestClient(application(stage.services), base_url="https://market.example")
    client.cookies.set("session", token)
    return client


def test_a_payer_alone_reads_its_months_as_tables(stage: Stage) -> None:
    """As CSV and as a workbook, from the same address, with the API's figures; a name never computes anything."""
    paid = Paid(stage, PayerLimits(monthly_limit_minor=60 * SEAT))
    paid.pays_at_once()
    order_id = paid.buy()
    stage.run()
    stage.refund(order_id, SEAT)
    stage.run()
    (row,) = paid.months()
    assert (row.ordered_minor, row.refunded_minor, row.left_minor) == (20 * SEAT, SEAT, 41 * SEAT)
    assert b"' =1+1" in months_csv([replace(row, org_name=" =1+1")])
    with signed_in(stage, paid.payer.owner, paid.payer.id) as payer:
        (month,) = payer.get("/v1/payer-months").json()
        assert (month["org_id"], month["ordered"]["amount"]) == (str(stage.buyer.id), 20 * SEAT)
        csv_said, xlsx_said = (payer.get(EXPORT, params={"format": kind}) for kind in ("csv", "xlsx"))
        assert csv_said.content == payer.get(EXPORT).content
        assert xlsx_said.headers["content-disposition"] == 'attachment; filename="payer-months.xlsx"'
        same([PayerMonthOut.of(row)], csv_said.content, xlsx_said.content)
        for column in ("ordered", "refunded", "limit", "left"):
            (read,) = csv.DictReader(StringIO(csv_said.content.decode("utf-8-sig")))
            assert Decimal(read[column]) * 100 == month[column]["amount"]
        assert payer.get(EXPORT, params={"format": "pdf"}).status_code == 400
        page = payer.get("/payers/charges").text
        assert f'href="{EXPORT}?format=xlsx"' in page
    # Its buyer is not its payer: none of it is the buyer's to read.
    with signed_in(stage, stage.buyer.owner, stage.buyer.id) as buyer:
        assert buyer.get("/v1/payer-months").json() == []
        (head,) = csv.reader(StringIO(buyer.get(EXPORT).content.decode("utf-8-sig")))
        assert head == list(HEADER)
