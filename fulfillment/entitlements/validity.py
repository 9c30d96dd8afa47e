"""Whether an entitlement may be used at a moment: it is active, and its time has not passed (`valid_to` is exclusive)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_

from fulfillment.entitlements.models import Entitlement
from kernel import clock


def is_in_force(state: str, valid_to: datetime | None) -> bool:
    """Whether it may be used now."""
    return state == "active" and (valid_to is None or valid_to > clock.now())


def state_now(state: str, valid_to: datetime | None) -> str:
    """What it is at this moment: `ended` once its time has passed, though nothing has ended it yet."""
    return "ended" if state == "active" and not is_in_force(state, valid_to) else state


def in_force() -> ColumnElement[bool]:
    """The condition for rows that may be used now."""
    return (Entitlement.state == "active") & or_(Entitlement.valid_to.is_(None), Entitlement.valid_to > clock.now())
