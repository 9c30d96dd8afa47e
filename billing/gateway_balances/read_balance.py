"""Read what a gateway says of its balance, store each entry once, and book what can be booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from billing.gateway_balances.book_entry import Way, book_entry, book_waiting
from billing.gateway_balances.models import GatewayBalanceEntry, GatewayBalanceReading, GatewayHolding
from billing.gateway_balances.own_rows import is_ours, is_undone
from billing.gateways.balance import BalanceEntry, BalancePage, HeldMoney
from billing.gateways.call import Gateways
from billing.gateways.ports import GatewayRefused, GatewayWebhook, NotReached, OutcomeUnknown
from billing.gateways.webhooks import store_webhook
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again, call, sweep
from kernel.jobs.outbox import enqueue

READ: Final = "billing.gateway.read_balance"
"""Kind of the job that reads; its payload names the gateway."""
SWEEP: Final = "billing.gateway.balances"
EVERY: Final = timedelta(minutes=10)
ASK_AFTER: Final = timedelta(minutes=2)
"""How long an answer or a webhook may take before an entry without its row makes us ask."""
UNDONE_AFTER: Final = timedelta(minutes=30)
"""How long both of two entries that cancel each other may wait for a row that is booked by them."""
GIVE_UP_AFTER: Final = timedelta(hours=6)
"""How long an entry that nothing shows to be ours waits for a row of ours."""
_BATCH: Final = 100
_OPERATIONS: Final = {"payment": "payment", "refund": "refund", "transfer": "payout", "dispute": "dispute"}
"""What an entry is about, as webhooks begin."""


@dataclass(frozen=True, slots=True)
class BalanceQuestion:
    """From where on to read."""

    gateway: str
    resume: str


@dataclass(frozen=True, slots=True)
class BalanceAnswer:
    """A page, with what is held when it is the last one; or why there is none."""

    page: BalancePage | None = None
    held: tuple[HeldMoney, ...] = ()
    trouble: str | None = None


class ReadBalance:
    """The steps of reading: a page at a time, until there is no more."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> BalanceQuestion | None:
        """Find how far was read."""
        name = str(claim.payload["gateway"])
        if name not in self._gateways or self._gateways[name].balance is None:
            return None
        uow.add_if_absent(GatewayBalanceReading(gateway=name, resume="", trouble=None), "gateway")
        return BalanceQuestion(name, _locked(uow, name).resume)

    def call(self, request: BalanceQuestion) -> BalanceAnswer:
        """Read a page; after the last one, what is held."""
        balance = self._gateways[request.gateway].balance
        if balance is None:
            return BalanceAnswer(trouble="gateway_unknown")
        try:
            page = balance.list_entries(request.resume)
            return BalanceAnswer(page, () if page.has_more else balance.held())
        except OutcomeUnknown:
            return BalanceAnswer(trouble="unknown")
        except NotReached:
            return BalanceAnswer(trouble="not_reached")
        except GatewayRefused as refusal:
            return BalanceAnswer(trouble=refusal.code)

    def conclude(
        self, uow: UnitOfWork, claim: JobClaim, request: BalanceQuestion, answer: BalanceAnswer
    ) -> Again | None:
        """Store the page and book what can be booked. One that another worker has read meanwhile changes nothing."""
        reading = _locked(uow, request.gateway)
        reading.tried_at, reading.trouble = clock.installation_now(), answer.trouble
        if answer.page is None:
            return None
        store_entries(uow, request.gateway, answer.page.entries)
        if reading.resume == request.resume:
            reading.resume = answer.page.resume
        if answer.page.has_more:
            return Again(timedelta(0), "more entries")
        reading.read_at = reading.tried_at
        _hold(uow, request.gateway, answer.held)
        return None


def request_reading(uow: UnitOfWork, gateway: str) -> None:
    """Let a worker read now what is new. Once at a time."""
    enqueue(uow, READ, {"gateway": gateway}, dedupe_key=f"balance:{gateway}")


def store_entries(uow: UnitOfWork, gateway: str, entries: Sequence[BalanceEntry]) -> None:
    """Keep what was said, each entry once, and book it where its row is booked already. Idempotent by: the reference."""
    for said in entries:
        row = _new(gateway, said)
        if uow.add_if_absent(row, "gateway", "reference"):
            book_entry(uow, row.id)


def settle_waiting(transact: Transact) -> None:
    """Book what waits and can be booked by now; ask about what still waits, and give up what is certainly not ours."""
    after: tuple[datetime, UUID] | None = None
    while True:
        after = transact(partial(book_waiting, limit=_BATCH, after=after, otherwise=_decide))
        if after is None:
            return


def register(gateways: Gateways) -> None:
    """Register the job that reads and the sweep that asks for it."""
    call(READ)(ReadBalance(gateways))

    @sweep(SWEEP, every=EVERY)
    def read_balances(transact: Transact) -> None:
        transact(partial(_request_all, gateways=gateways))
        settle_waiting(transact)


def _request_all(uow: UnitOfWork, gateways: Gateways) -> None:
    for name, gateway in gateways.items():
        if gateway.balance is not None:
            request_reading(uow, name)


def _locked(uow: UnitOfWork, gateway: str) -> GatewayBalanceReading:
    uow.flush()
    return uow.session.scalars(
        select(GatewayBalanceReading)
        .where(GatewayBalanceReading.gateway == gateway)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _new(gateway: str, said: BalanceEntry) -> GatewayBalanceEntry:
    presented = said.presented
    return GatewayBalanceEntry(
        id=uuid7(),
        gateway=gateway,
        reference=said.reference,
        kind=said.kind,
        reported_as=said.reported_as[:100],
        amount_minor=said.amount.amount_minor,
        fee_minor=said.fee_minor,
        currency=said.amount.currency,
        presented_minor=presented.amount_minor if presented is not None else None,
        presented_currency=presented.currency if presented is not None else None,
        exchange_rate=said.exchange_rate,
        subject=said.subject,
        payment_reference=said.payment_reference,
        attempt=said.attempt,
        named=dict(said.metadata),
        made_at=said.made_at,
        created_at=clock.installation_now(),
    )


def _hold(uow: UnitOfWork, gateway: str, held: Sequence[HeldMoney]) -> None:
    uow.session.execute(delete(GatewayHolding).where(GatewayHolding.gateway == gateway))
    for one in held:
        uow.session.add(
            GatewayHolding(
                gateway=gateway,
                currency=one.currency,
                available_minor=one.available_minor,
                pending_minor=one.pending_minor,
                asked_at=clock.installation_now(),
            )
        )
    uow.flush()


def _decide(uow: UnitOfWork, entry: GatewayBalanceEntry) -> Way:
    """What to do with an entry whose row is not booked: by its age, ask, and then give up."""
    age = clock.installation_now() - entry.created_at
    if age >= UNDONE_AFTER and is_undone(uow, entry):
        return "undone"
    if age >= GIVE_UP_AFTER and not is_ours(uow, entry):
        return "foreign"
    if age >= ASK_AFTER:
        _ask(uow, entry)
    return "own"


def _ask(uow: UnitOfWork, entry: GatewayBalanceEntry) -> None:
    """The entry shows what a webhook should have said: have it looked into as if one had come, once."""
    operation = _OPERATIONS.get(entry.kind.removesuffix("_returned"))
    if operation is None or not entry.subject:
        return
    notice = GatewayWebhook(
        event_id=f"balance:{entry.reference}",
        kind=f"{operation}.balance_entry",
        reference=entry.subject,
        body={"metadata": entry.named},
        subject=operation if operation in {"refund", "dispute"} else "",
    )
    store_webhook(uow, entry.gateway, notice)
