"""Whether an entitlement may be used at a moment: it is active, and its time has not passed (`valid_to` is exclusive)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_

from fulfillment.entitlements.models import Entitlement
from kernel import clock
from kernel.calendar import add_months


def is_in_force(state: str, valid_to: datetime | None) -> bool:
    """Whether it may be used now."""
    return state == "active" and (valid_to is None or valid_to > clock.now())


def state_now(state: str, valid_to: datetime | None, trial_days: int = 0, past_due_at: datetime | None = None) -> str:
    """What it is at this moment: `ended` once its time has passed, though nothing has ended it yet; `trial` before it is paid;
    `past_due` while its next term is not.
    """
    if state != "active":
        return state
    if not is_in_force(state, valid_to):
        return "ended"
    if past_due_at is not None:
        return "past_due"
    return "trial" if trial_days else state


def first_end(entitlement: Entitlement, start: datetime) -> datetime:
    """When what begins at `start` ends first: with its trial, of days of 24 hours, else with its term.

    A first term whose end was agreed on and has passed before it could begin is as long as it was paid for.
    """
    if entitlement.trial_days:
        return start + timedelta(days=entitlement.trial_days)
    if entitlement.first_ends_at is not None and entitlement.first_paid_from is not None:
        agreed = entitlement.first_ends_at
        return agreed if start < agreed else start + (agreed - entitlement.first_paid_from)
    return add_months(start, entitlement.term_months, time_zone=entitlement.time_zone)


def in_force() -> ColumnElement[bool]:
    """The condition for rows that may be used now."""
    return (Entitlement.state == "active") & or_(Entitlement.valid_to.is_(None), Entitlement.valid_to > clock.now())
