"""The sandbox's bank: until when it takes evidence, what it makes of it, and what the gateway keeps for its trouble."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from billing.gateways.models import SandboxOperation
from billing.gateways.ports import EvidenceRequest, GatewayRecord, GatewayRefused, GatewayStatus
from kernel import clock
from kernel.money import Money

TAKES_EVIDENCE: Final = timedelta(days=7)
FEE_MINOR: Final = 1_500
"""Kept from the day it is opened; given back when it is won."""
_DECIDES: Final[Mapping[str, GatewayStatus]] = {
    "winning_evidence": GatewayStatus.SUCCEEDED,
    "losing_evidence": GatewayStatus.FAILED,
}
"""Words in the evidence by which the bank decides, as Stripe's test mode has them."""
_DECIDES_AFTER: Final = timedelta(seconds=2)


def take_evidence(operation: SandboxOperation, request: EvidenceRequest) -> bool:
    """Let a locked dispute have its evidence. Returns whether the bank is to decide by it. The same key again changes nothing.

    Raises: GatewayRefused `decided_already`, `evidence_late`, `evidence_submitted`: it has others already.
    """
    if operation.evidence is not None:
        if operation.evidence["key"] == request.key:
            return False
        raise GatewayRefused("evidence_submitted")
    if operation.kind != "dispute" or operation.state != "pending":
        raise GatewayRefused("decided_already")
    if clock.now() > operation.created_at + TAKES_EVIDENCE:
        raise GatewayRefused("evidence_late")
    files = {one.purpose: one.file_name for one in request.files}
    operation.evidence = {"key": request.key, "text": request.text, "files": files}
    decision = next((status for word, status in _DECIDES.items() if word in request.text), None)
    if decision is None:
        return False
    operation.becomes, operation.settles_at = decision.value, clock.now() + _DECIDES_AFTER
    return True


def record_of(operation: SandboxOperation) -> GatewayRecord:
    """How a dispute, or a refund made by hand, stands."""
    record = GatewayRecord(
        GatewayStatus(operation.state),
        operation.reference,
        operation.parent_reference or "",
        Money(operation.amount_minor, operation.currency),
        operation.error_code,
    )
    if operation.kind != "dispute":
        return record
    fee_minor = 0 if record.status is GatewayStatus.SUCCEEDED else FEE_MINOR
    return GatewayRecord(
        record.status,
        record.reference,
        record.payment_reference,
        record.amount,
        record.code,
        due_by=operation.created_at + TAKES_EVIDENCE,
        submitted=operation.evidence is not None,
        fee=Money(fee_minor, operation.currency),
    )
