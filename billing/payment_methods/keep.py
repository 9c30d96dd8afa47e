"""What a gateway keeps for a payer is read from it, never from what it tells: the rows follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import select

from billing.gateways.call import Gateways
from billing.gateways.models import GatewayCustomer
from billing.gateways.ports import GatewayMethod, GatewayRefused, MethodKeeper, NotReached, OutcomeUnknown
from billing.gateways.result import wait_before_check
from billing.payment_methods.change import FORGET
from billing.payment_methods.models import PaymentMethod
from billing.payments.events import PaymentMethodKept
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Again, Payload, call, follows
from kernel.jobs.outbox import enqueue

READ = "billing.payment_methods.read"
"""Kind of the job that reads what is kept for a payer."""


@dataclass(frozen=True, slots=True)
class KeptFor:
    """A payer at a gateway."""

    org_id: UUID
    gateway: str
    customer: str


def keeper_of(gateways: Gateways, name: str) -> MethodKeeper | None:
    """The gateway, where it keeps methods."""
    found = gateways.get(name)
    return cast("MethodKeeper", found) if hasattr(found, "list_methods") else None


def find_payer(uow: UnitOfWork, org_id: UUID, gateway: str) -> KeptFor | None:
    """What a gateway calls an organization; None where it keeps nothing for it."""
    reference = uow.session.scalar(
        select(GatewayCustomer.reference).where(GatewayCustomer.org_id == org_id, GatewayCustomer.gateway == gateway)
    )
    return KeptFor(org_id, gateway, reference) if reference is not None else None


def enqueue_reading(uow: UnitOfWork, org_id: UUID, gateway: str) -> None:
    """Let a job read what is kept for an organization now."""
    enqueue(uow, READ, {"org_id": str(org_id), "gateway": gateway}, dedupe_key=str(uuid7()))


def read_of_customer(uow: UnitOfWork, gateway: str, customer: str) -> bool:
    """A webhook says that what is kept for a payer has changed: a job reads it. False where the payer is none of ours."""
    org_id = uow.session.scalar(
        select(GatewayCustomer.org_id).where(GatewayCustomer.gateway == gateway, GatewayCustomer.reference == customer)
    )
    if org_id is None:
        return False
    enqueue_reading(uow, org_id, gateway)
    return True


def note_methods(uow: UnitOfWork, payer: KeptFor, found: Sequence[GatewayMethod]) -> None:
    """Bring the rows to what the gateway keeps: what is new is added, what is gone is removed, what was removed stays so.

    The first becomes the default. Locks: the organization's methods; who reads at the same time waits. Idempotent.
    """
    # Two that read at once find the same: the second one's answer may be the older, and is taken all the same; the next event
    # is read again.
    lock_row(uow.session, GatewayCustomer, _customer_id(uow, payer))
    now = clock.now()
    rows = {
        one.token: one
        for one in uow.session.scalars(
            select(PaymentMethod)
            .where(PaymentMethod.org_id == payer.org_id, PaymentMethod.gateway == payer.gateway)
            .order_by(PaymentMethod.id)
            .with_for_update()
        )
    }
    for token in rows.keys() - {one.token for one in found}:
        row = rows[token]
        row.removed_at, row.is_default = row.removed_at or now, False
        row.forgotten_at = row.forgotten_at or now
    # The gateway names the newest first.
    for one in reversed(found):
        known = rows.get(one.token)
        if known is None:
            known = rows[one.token] = PaymentMethod(
                id=uuid7(),
                org_id=payer.org_id,
                gateway=payer.gateway,
                token=one.token,
                is_default=False,
                created_at=now,
                removed_at=None,
                forgotten_at=None,
            )
            uow.session.add(known)
        known.kind, known.brand, known.last_four = one.kind, one.brand[:40], one.last_four[-4:]
        known.exp_month, known.exp_year = one.exp_month, one.exp_year
    uow.flush()
    _need_default(uow, payer.org_id)


def _customer_id(uow: UnitOfWork, payer: KeptFor) -> UUID:
    wanted = select(GatewayCustomer.id).where(
        GatewayCustomer.org_id == payer.org_id, GatewayCustomer.gateway == payer.gateway
    )
    return uow.session.scalars(wanted).one()


def _need_default(uow: UnitOfWork, org_id: UUID) -> None:
    kept = select(PaymentMethod).where(PaymentMethod.org_id == org_id, PaymentMethod.removed_at.is_(None))
    rows = uow.session.scalars(kept.order_by(PaymentMethod.id.desc())).all()
    if rows and not any(one.is_default for one in rows):
        rows[0].is_default = True


@follows(PaymentMethodKept)
def method_kept(uow: UnitOfWork, fact: Payload) -> None:
    """A payer let a method be kept with a payment."""
    enqueue_reading(uow, UUID(fact["payer_org_id"]), fact["gateway"])


class ReadMethods:
    """The steps of reading what a gateway keeps for a payer."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> KeptFor | None:
        """Find what the gateway calls the payer. One without a name there has nothing kept."""
        return find_payer(uow, UUID(claim.payload["org_id"]), claim.payload["gateway"])

    def call(self, request: KeptFor) -> tuple[GatewayMethod, ...] | None:
        """Ask the gateway; None where that told nothing."""
        keeper = keeper_of(self._gateways, request.gateway)
        try:
            return keeper.list_methods(request.customer) if keeper is not None else None
        except (OutcomeUnknown, NotReached, GatewayRefused):
            return None

    def conclude(
        self, uow: UnitOfWork, claim: JobClaim, request: KeptFor, answer: tuple[GatewayMethod, ...] | None
    ) -> Again | None:
        """Let the rows follow."""
        if answer is None:
            is_there = request.gateway in self._gateways
            return Again(wait_before_check(claim.attempts), "gateway_silent") if is_there else None
        note_methods(uow, request, answer)
        return None


@dataclass(frozen=True, slots=True)
class _Forgotten:
    method_id: UUID
    gateway: str
    token: str


class ForgetMethod:
    """The steps of letting a gateway keep a removed method no longer."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _Forgotten | None:
        """What is forgotten already is not asked for."""
        row = uow.session.get_one(PaymentMethod, UUID(claim.payload["method_id"]))
        if row.removed_at is None or row.forgotten_at is not None:
            return None
        return _Forgotten(row.id, row.gateway, row.token)

    def call(self, request: _Forgotten) -> bool:
        """Whether it is kept no longer."""
        keeper = keeper_of(self._gateways, request.gateway)
        try:
            if keeper is not None:
                keeper.forget_method(request.token)
        except (OutcomeUnknown, NotReached, GatewayRefused):
            return False
        return True

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _Forgotten, answer: bool) -> Again | None:  # noqa: FBT001 - the driver's
        """Write it down, or ask again later."""
        if not answer:
            return Again(wait_before_check(claim.attempts), "gateway_silent")
        row = uow.session.get_one(PaymentMethod, request.method_id)
        row.forgotten_at = row.forgotten_at or clock.now()
        return None


def register(gateways: Gateways) -> None:
    """Register the jobs of kept methods."""
    call(READ)(ReadMethods(gateways))
    call(FORGET)(ForgetMethod(gateways))
