"""The body of a call to a seller's system: CloudEvents 1.0 in JSON (`docs/protocols/webhook.md` §1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import first_end
from fulfillment.runs.models import Run
from kernel.signing import TokenSigner

CALLBACK = "run-callback"
"""Purpose of the signed token in a callback address."""
CALLBACK_KEPT = timedelta(days=30)
"""A seller may answer this long after the deadline; a late success is then taken down, not lost."""
EVENT_TYPE = "com.channelmarket.run.{operation}.v1"


def message_id(run: Run) -> str:
    """The message's id, the same over all tries of a run."""
    return f"msg_{run.id}"


def request_body(run: Run, entitlement: Entitlement, *, signer: TokenSigner, public_url: str) -> dict[str, Any]:
    """What is asked, and of what. Between the tries of one run only `attempt` differs."""
    token = signer.sign_token(CALLBACK, {"run": str(run.id)}, run.deadline_at + CALLBACK_KEPT)
    return {
        "specversion": "1.0",
        "id": message_id(run),
        "source": public_url,
        "type": EVENT_TYPE.format(operation=run.operation),
        "time": run.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            # What orders says of order, organization, listing and plan comes first: it cannot rename what is ours.
            **entitlement.context,
            "operation": run.operation,
            "run_id": str(run.id),
            "attempt": run.tries,
            "entitlement_id": str(entitlement.id),
            "external_id": entitlement.external_id,
            "seats": entitlement.seats or None,
            "trial": bool(entitlement.trial_days),
            "term": _term(run, entitlement),
            "data_kept_until": entitlement.data_kept_until.isoformat() if entitlement.data_kept_until else None,
            "callback_url": f"{public_url}/hooks/runs/{token}",
            "deadline_at": run.deadline_at.isoformat(),
        },
    }


def _term(run: Run, entitlement: Entitlement) -> dict[str, str] | None:
    """Half-open, UTC. Before activation the term as if it began with the run; the true one begins with the success."""
    if not entitlement.term_months:
        return None
    start: datetime = entitlement.valid_from or run.created_at
    end = first_end(entitlement, start)
    if entitlement.valid_from is not None and entitlement.valid_to is not None:
        end = entitlement.valid_to
    return {"start": start.isoformat(), "end": end.isoformat()}
