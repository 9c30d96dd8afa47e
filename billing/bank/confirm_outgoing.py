"""What a person has done at the bank about money that is to be sent: it was sent, it came back, it could not be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from billing.bank.models import OUTGOING_TRANSFER, BankOutgoing
from billing.bank.settle_line import MANAGE, move_outgoing
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.text import plain_text

OutgoingOutcome = Literal["sent", "returned", "failed"]


@dataclass(frozen=True, slots=True)
class ConfirmOutgoing:
    """`bank_reference`: the bank's own name of it; of what failed or came back, why."""

    outgoing_id: UUID
    outcome: OutgoingOutcome
    bank_reference: str


def confirm_outgoing(uow: UnitOfWork, command: ConfirmOutgoing) -> BankOutgoing:
    """Say what became of an item. A refund's gateway tells of it, and the refund follows.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound; Invalid `evidence_required` without a reference;
    Conflict `bank_outgoing_state`, it is not in a state in which that can happen, or is a return that failed.
    Locks: the item. Idempotent by: its state.
    """
    uow.principal.require(MANAGE)
    said = plain_text(command.bank_reference)
    if not said:
        raise Invalid("evidence_required", field="bank_reference")
    item = lock_row(uow.session, BankOutgoing, command.outgoing_id)
    if item is None:
        raise NotFound("not_found")
    if item.state == command.outcome:
        return item
    # A return that cannot be sent stays on the list: the money is here, and is its payer's.
    is_stuck = item.kind == "return" and command.outcome == "failed"
    if is_stuck or not OUTGOING_TRANSFER.allows(item.state, command.outcome):
        raise Conflict("bank_outgoing_state", state=item.state)
    if command.outcome == "sent":
        item.sent_at, item.bank_reference = clock.now(), said
    move_outgoing(uow, item, command.outcome, said)
    audit.record(uow, "bank_outgoing.confirmed", subject_id=item.id, outcome=command.outcome, reference=said)
    return item
