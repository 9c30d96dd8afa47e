"""Which colour a state gets. Colour never stands alone: the word is always beside its dot."""

from typing import Literal

Tone = Literal["good", "wait", "bad", "idle"]

TONES: dict[str, dict[str, Tone]] = {
    "order": {
        "draft": "idle",
        "pending_approval": "wait",
        "pending_payment": "wait",
        "paid": "wait",
        "fulfilling": "wait",
        "active": "good",
        "completed": "good",
        "rejected": "bad",
        "expired": "idle",
        "cancelled": "idle",
        "delivery_failed": "bad",
        "refunded": "idle",
    },
    "run": {
        "queued": "wait",
        "calling": "wait",
        "waiting": "wait",
        "succeeded": "good",
        "failed": "bad",
        "dead": "bad",
    },
    "attempt": {"ok": "good", "accepted": "good", "failed": "bad", "timeout": "bad", "unknown": "wait"},
    "entitlement": {"pending": "wait", "trial": "good", "active": "good", "suspended": "bad", "ended": "idle"},
    "subscription": {"trial": "good", "active": "good", "past_due": "bad", "ended": "idle"},
    "video": {
        "draft": "idle",
        "uploading": "wait",
        "processing": "wait",
        "ready": "wait",
        "refused": "bad",
        "published": "good",
        "withdrawn": "idle",
    },
    "listing": {
        "draft": "idle",
        "in_review": "wait",
        "published": "good",
        "rejected": "bad",
        "superseded": "idle",
        "suspended": "bad",
        "retired": "idle",
    },
    "invoice": {"issued": "good", "partly_credited": "wait", "credited": "idle", "rendering": "wait"},
    "share": {
        "pending": "wait",
        "releasable": "good",
        "in_statement": "wait",
        "paid": "good",
        "reversed": "idle",
        "disputed": "bad",
    },
    "statement": {"open": "wait", "closed": "wait", "paying": "wait", "paid": "good", "carried": "idle"},
    "payout": {
        "scheduled": "wait",
        "sent": "wait",
        "paid": "good",
        "failed": "bad",
        "returned": "bad",
        "retried": "wait",
        "unknown": "wait",
    },
    "refund_case": {
        "asked": "wait",
        "refused": "bad",
        "escalated": "wait",
        "granted": "good",
        "rejected": "bad",
        "closed": "idle",
        "withdrawn": "idle",
    },
    "usage_period": {"open": "wait", "closed": "wait", "invoiced": "good"},
    "usage_challenge": {"open": "wait", "overdue": "bad", "confirmed": "idle", "corrected": "good"},
    "lead": {
        "new": "wait",
        "working": "wait",
        "answered": "good",
        "won": "good",
        "lost": "idle",
        "withdrawn": "idle",
    },
    "offer": {"open": "wait", "accepted": "good", "expired": "idle", "withdrawn": "idle", "declined": "bad"},
    "start": {"todo": "idle", "waiting": "wait", "rejected": "bad", "done": "good"},
    "content_report": {"open": "wait", "upheld": "bad", "dismissed": "idle"},
    "comment": {"shown": "good", "hidden": "wait", "removed": "idle"},
    "customer_review": {"shown": "good", "withdrawn": "idle", "removed": "bad"},
    "product_question": {"shown": "good", "hidden": "wait", "removed": "idle"},
    "legal_proof": {"submitted": "wait", "approved": "good", "rejected": "bad", "superseded": "idle"},
    "verification": {
        "missing": "bad",
        "unverified": "wait",
        "waiting": "wait",
        "rejected": "bad",
        "verified": "good",
    },
    "tax_id_dispute": {"open": "bad", "evidence_asked": "wait", "settled": "good", "dismissed": "idle"},
    "email_domain": {"pending": "wait", "approved": "good", "refused": "bad", "removed": "idle"},
    "connector_test": {"untested": "idle", "running": "wait", "passed": "good", "failed": "bad"},
    "webhook": {"active": "good", "failing": "wait", "disabled": "bad"},
    "webhook_delivery": {"pending": "wait", "delivered": "good", "failed": "bad"},
    "link": {"done": "good", "live": "wait", "waiting": "wait", "todo": "idle", "failed": "bad", "broken": "bad"},
}


def tone(kind: str, value: str) -> Tone:
    """The tone of a state; one not listed is neutral."""
    return TONES.get(kind, {}).get(value, "idle")
