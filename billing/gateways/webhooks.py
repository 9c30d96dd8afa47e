"""Incoming webhooks of gateways: stored once, answered, then looked into by asking the gateway itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.gateways.call import GatewayOperation, GatewayRequest, Gateways, ask
from billing.gateways.ports import GatewayRecord, GatewayWebhook, OutcomeUnknown, OwnSubject
from billing.gateways.result import ApplyOutcome, GatewayResult
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.models import Inbox
from kernel.jobs.outbox import enqueue

PROCESS = "billing.gateway.webhook"
"""Kind of the job that looks into a webhook."""
NEEDS_PERSON = "needs_person"
"""In a stored webhook: no question to the gateway settles it."""
SUBJECT, SAYS = "subject", "says"
"""In a stored webhook: as in `GatewayWebhook`."""
ABOUT, CUSTOMER = "about", "customer"
"""In a stored webhook, where it has any: as in `GatewayWebhook`."""
NOTHING_OF_OURS = "nothing of ours has this reference"
Believe = Callable[[UnitOfWork, str, GatewayRecord], ApplyOutcome | None]
"""What to do about something that a gateway made by itself; None: it is about nothing of ours."""
AskLater = Callable[[UnitOfWork, str, str], UUID | None]
"""Let a job ask about something of ours by its gateway and reference. Returns its id; None: it is nothing of ours."""
ReadMethods = Callable[[UnitOfWork, str, str], bool]
"""Have what a gateway keeps for one of its customers read; False: it is none of ours."""
ANSWER_FIRST = timedelta(seconds=10)
"""How long a webhook that comes beside an answer waits for that answer to settle it."""


def store_webhook(uow: UnitOfWork, gateway: str, notice: GatewayWebhook, *, beside_answer: bool = False) -> bool:
    """Store a verified webhook and enqueue its processing. Returns False when it was received before.

    `beside_answer`: the same is being answered, for the first time, to whoever asked; so it cannot have been received before,
    and is looked into only if the answer settles nothing.
    Idempotent by: (gateway, event id).
    """
    row = Inbox(
        id=uuid7(),
        source=gateway,
        event_id=notice.event_id,
        kind=notice.kind,
        body={
            **notice.body,
            "reference": notice.reference,
            SUBJECT: notice.subject,
            SAYS: notice.says.value if notice.says else None,
            NEEDS_PERSON: notice.needs_person,
            **({ABOUT: notice.about} if notice.about else {}),
            **({CUSTOMER: notice.customer} if notice.customer else {}),
        },
        state="received",
        received_at=clock.installation_now(),
    )
    if beside_answer:
        uow.add(row)
        return True
    if not uow.add_if_absent(row, "source", "event_id"):
        return False
    enqueue_processing(uow, row.id)
    return True


def enqueue_processing(uow: UnitOfWork, inbox_id: UUID, *, anew: bool = False) -> None:
    """Let a job look into a stored webhook; `anew`, though one has before."""
    dedupe_key = f"{inbox_id}:{uuid7()}" if anew else str(inbox_id)
    enqueue(uow, PROCESS, {"inbox_id": str(inbox_id)}, dedupe_key=dedupe_key)


def named_id(body: Mapping[str, Any], name: str) -> UUID | None:
    """The id of ours that the gateway gave back in a webhook's metadata; good for finding a row, never for believing."""
    metadata = body.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def close_webhook(
    uow: UnitOfWork, inbox_id: UUID, state: str, note: str | None = None, subject_id: UUID | None = None
) -> None:
    """Say what became of a webhook: processed, ignored (nothing of ours) or quarantined (a person must look)."""
    row = uow.session.get_one(Inbox, inbox_id)
    row.state = state
    row.note = note
    row.subject_id = subject_id
    row.processed_at = clock.now()


@dataclass(frozen=True, slots=True)
class _AboutRow:
    """A webhook about a row of ours."""

    inbox_id: UUID
    operation: GatewayOperation
    request: GatewayRequest

    def ask(self, gateways: Gateways) -> GatewayResult:
        return ask(gateways, self.request)

    def is_open(self, answer: Any) -> bool:
        """Whether the gateway has not answered; of one that is not configured none is awaited."""
        return bool(answer.is_open) and answer is not self.request.unconfigured

    @property
    def row_id(self) -> UUID:
        return self.request.row_id

    def apply(self, uow: UnitOfWork, answer: Any) -> tuple[str, ApplyOutcome | None]:
        row_id = self.row_id
        return f"{self.operation.name} {row_id}", self.operation.apply(uow, row_id, answer)


@dataclass(frozen=True, slots=True)
class _AboutItsOwn:
    """A webhook about something that the gateway has made by itself."""

    inbox_id: UUID
    gateway: str
    subject: OwnSubject
    reference: str
    believe: Believe
    row_id: None = None

    def ask(self, gateways: Gateways) -> GatewayRecord | None:
        gateway = gateways.get(self.gateway)
        return gateway.look_up(self.subject, self.reference) if gateway is not None else None

    def apply(self, uow: UnitOfWork, answer: Any) -> tuple[str, ApplyOutcome | None]:
        outcome = self.believe(uow, self.gateway, answer) if answer is not None else None
        return f"{self.subject} {self.reference}", outcome


class ProcessWebhook:
    """The steps of looking into a webhook. One that says what is known of a row already is closed at once."""

    def __init__(
        self,
        gateways: Gateways,
        operations: Sequence[GatewayOperation],
        own: Mapping[OwnSubject, Believe],
        read_methods: ReadMethods,
        asks: Mapping[str, AskLater] | None = None,
    ) -> None:
        self._asks = asks or {}
        self._gateways = gateways
        self._operations = operations
        self._own = own
        self._read_methods = read_methods

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _AboutRow | _AboutItsOwn | None:
        """Find whose webhook it is, and what to ask about it."""
        inbox_id = UUID(claim.payload["inbox_id"])
        stored = uow.session.get_one(Inbox, inbox_id)
        if stored.state != "received":
            return None
        if stored.body.get(NEEDS_PERSON):
            close_webhook(uow, inbox_id, "quarantined", "only a person can settle this")
            return None
        if customer := stored.body.get(CUSTOMER):
            ours = self._read_methods(uow, stored.source, customer)
            note = ("processed", f"methods of {customer}") if ours else ("ignored", NOTHING_OF_OURS)
            close_webhook(uow, inbox_id, *note)
            return None
        found = self._subject(uow, stored)
        if found is None:
            return self._made_by_itself(uow, stored)
        operation, row_id = found
        # What is final here may have changed there: only a webhook that says the same is not looked into.
        request = None if _agrees(uow, operation, stored) else operation.open(uow, row_id, first=False, recheck=True)
        if request is None:
            close_webhook(uow, inbox_id, "processed", f"{operation.name} {row_id}: {ApplyOutcome.NOTHING_NEW.value}")
            return None
        return _AboutRow(inbox_id, operation, request)

    def call(self, request: _AboutRow | _AboutItsOwn) -> GatewayResult | GatewayRecord | None:
        """Ask the gateway."""
        return request.ask(self._gateways)

    def conclude(
        self,
        uow: UnitOfWork,
        claim: JobClaim,
        request: _AboutRow | _AboutItsOwn,
        answer: GatewayResult | GatewayRecord | None,
    ) -> None:
        """Apply the answer and close the webhook. Without one it stays: of a row that has its end nobody else would ask again.

        Raises: OutcomeUnknown, upon which the job is tried again.
        """
        what, outcome = request.apply(uow, answer)
        if outcome is ApplyOutcome.NOTHING_NEW and isinstance(request, _AboutRow) and request.is_open(answer):
            raise OutcomeUnknown
        if outcome is None:
            close_webhook(uow, request.inbox_id, "ignored", NOTHING_OF_OURS)
            return
        state = "quarantined" if outcome is ApplyOutcome.CONTRADICTS else "processed"
        close_webhook(uow, request.inbox_id, state, f"{what}: {outcome.value}", request.row_id)

    def _made_by_itself(self, uow: UnitOfWork, stored: Inbox) -> _AboutItsOwn | None:
        subject, reference = stored.body.get(SUBJECT), stored.body.get("reference")
        ask = self._asks.get(subject) if isinstance(subject, str) else None
        if ask is not None and isinstance(reference, str):
            row_id = ask(uow, stored.source, reference)
            state, note = ("processed", f"{subject} {row_id}: asked") if row_id else ("ignored", NOTHING_OF_OURS)
            close_webhook(uow, stored.id, state, note, row_id)
            return None
        for known, believe in self._own.items():
            if subject == known and isinstance(reference, str) and reference:
                return _AboutItsOwn(stored.id, stored.source, known, reference, believe)
        close_webhook(uow, stored.id, "ignored", NOTHING_OF_OURS)
        return None

    def _subject(self, uow: UnitOfWork, stored: Inbox) -> tuple[GatewayOperation, UUID] | None:
        """Whose webhook it is: by the gateway's reference, or by our id in its metadata when it overtook the answer."""
        for operation in self._operations:
            found = operation.find_by_reference(uow, stored.source, stored.body.get("reference"))
            if found is None:
                named = named_id(stored.body, f"{operation.name}_id")
                # Our id in a webhook about something else (a refund names its payment, too) is not its subject.
                if named is not None and operation.name in {stored.kind[: len(operation.name)], stored.body.get(ABOUT)}:
                    found = operation.find_by_id(uow, named)
            if found is not None:
                return operation, found
        return None


def _agrees(uow: UnitOfWork, operation: GatewayOperation, stored: Inbox) -> bool:
    final, says = operation.final_states().subquery(), stored.body.get(SAYS)
    known = select(final.c.state).where(
        final.c.gateway == stored.source, final.c.reference == stored.body.get("reference")
    )
    return says is not None and uow.session.scalar(known) == says
