"""One driver for everything a gateway is asked: payments, refunds and payouts differ in their rows alone.

An attempt row is committed whose id is the idempotency key; the gateway is called with no transaction open; the answer is
committed together with all that follows from it. A worker killed anywhere in between leaves a row that the next run, or the
janitor, continues from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import Label, Select, case
from sqlalchemy.orm import InstrumentedAttribute

from billing.gateways.ports import GatewayAnswer, GatewayStatus, PaymentGateway
from billing.gateways.result import ApplyOutcome, GatewayResult, submit_or_query
from kernel.db.uow import UnitOfWork
from kernel.events import Event
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import Payload
from kernel.jobs.outbox import expect

Gateways = Mapping[str, PaymentGateway]
CHECK = "check"
"""In a job's payload: it asks what became of a row that was left in doubt."""


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """What to ask about one row. `fresh`: it was never sent, so it is sent without asking first."""

    row_id: UUID
    gateway: str
    fresh: bool
    find: Callable[[PaymentGateway], GatewayAnswer | None]
    submit: Callable[[PaymentGateway], GatewayAnswer]
    unconfigured: GatewayResult
    """What follows when this installation does not have the gateway."""
    success: Event | None = None
    """What will be told once the gateway has done it, where that is known before."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A call whose claim is committed with its row: whoever commits it may make it at once (`Runner.run_prepared`)."""

    claim: JobClaim
    request: GatewayRequest


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A row to be asked about, and how often it has been."""

    row_id: UUID
    checks: int


class GatewayOperation(Protocol):
    """One table of rows that a gateway decides about."""

    @property
    def name(self) -> str:
        """`payment`, `refund` or `payout`."""

    @property
    def kind(self) -> str:
        """Kind of the job that calls the gateway; its payload names the row as `<name>_id`."""

    def open(self, uow: UnitOfWork, row_id: UUID, *, first: bool, recheck: bool = False) -> GatewayRequest | None:
        """Lock a row and say what to ask. None: the gateway has spoken, and it is not to be asked again.

        `first`: no try of this job came before, so that a row that was never sent is known to be.
        `recheck` asks again all the same: the gateway may have changed its mind.
        """

    def ask_ahead(self, uow: UnitOfWork, row_id: UUID) -> None:
        """Lock and ask ahead what `apply` reads first."""

    def apply(self, uow: UnitOfWork, row_id: UUID, result: GatewayResult) -> ApplyOutcome:
        """Bring the row to where the gateway says it is; the only writer of its state."""

    def unresolved(self, uow: UnitOfWork, limit: int) -> Sequence[Unresolved]:
        """Rows without a definite outcome whose next check is due, the longest due first."""

    def final_states(self) -> Select[str, str | None, str]:
        """`gateway`, `reference` and, as the gateway says it, `state` of the rows about which it has spoken."""

    def find_by_reference(self, uow: UnitOfWork, gateway: str, reference: str | None) -> UUID | None:
        """The row that the gateway knows by this name."""

    def find_by_id(self, uow: UnitOfWork, row_id: UUID) -> UUID | None:
        """The row with this id of ours."""


class GatewayCall:
    """The steps of a job that asks a gateway about one row."""

    def __init__(self, gateways: Gateways, operation: GatewayOperation) -> None:
        self._gateways = gateways
        self._operation = operation

    def before_prepare(self, uow: UnitOfWork, claim: JobClaim) -> None:
        """Nothing: what is asked at once was prepared by whoever committed it, and the others are few."""

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> GatewayRequest | None:
        """Lock the row and write down that it is being asked about."""
        row_id = UUID(claim.payload[f"{self._operation.name}_id"])
        return self._operation.open(uow, row_id, first=claim.attempts == 1 and CHECK not in claim.payload)

    def call(self, request: GatewayRequest) -> GatewayResult:
        """Submit, or ask what became of it."""
        return ask(self._gateways, request)

    def before_conclude(self, uow: UnitOfWork, claim: JobClaim, request: GatewayRequest, answer: GatewayResult) -> None:
        """Lock and ask ahead what `conclude` reads, and what follows a success."""
        self._operation.ask_ahead(uow, request.row_id)
        succeeded = answer.answer is not None and answer.answer.status is GatewayStatus.SUCCEEDED
        if succeeded and request.success is not None:
            expect(uow, request.success)

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: GatewayRequest, answer: GatewayResult) -> None:
        """Apply the result; what follows from it follows in the same transaction."""
        self._operation.apply(uow, request.row_id, answer)


def ask(gateways: Gateways, request: GatewayRequest) -> GatewayResult:
    """Call the gateway of a request, holding no transaction."""
    gateway = gateways.get(request.gateway)
    if gateway is None:
        return request.unconfigured
    return submit_or_query(lambda: request.find(gateway), lambda: request.submit(gateway), fresh=request.fresh)


def said_of(state: InstrumentedAttribute[str], ends: Mapping[str, GatewayStatus]) -> Label[str]:
    """What the gateway says of a row in one of these states, as SQL: for `GatewayOperation.final_states`."""
    return case({name: said.value for name, said in ends.items()}, value=state).label("state")


def check_kind(operation: GatewayOperation) -> str:
    """Kind of the job in which the janitor asks: one of its own, which takes turns with a backlog of calls."""
    return f"{operation.kind}.check"


def payload_of(operation: GatewayOperation, row_id: UUID) -> Payload:
    """The payload of the job that asks about a row."""
    return {f"{operation.name}_id": str(row_id)}
