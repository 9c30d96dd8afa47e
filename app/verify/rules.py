"""All rules, in the order in which they are shown: money first."""

from __future__ import annotations

from app.verify import (
    agreements,
    catalogue,
    delivery,
    documents,
    files,
    histories,
    jobs,
    ledger,
    money_back,
    money_in,
    seller_log,
    settlement,
    tenancy,
)
from app.verify.rule import Comparison, Rule

RULES: tuple[Rule, ...] = (
    *ledger.RULES,
    *money_in.RULES,
    *money_back.RULES,
    *settlement.RULES,
    *documents.RULES,
    *agreements.RULES,
    *delivery.RULES,
    *histories.RULES,
    *jobs.RULES,
    *tenancy.RULES,
    *catalogue.RULES,
)
"""What the database alone can show."""
COMPARISONS: tuple[Comparison, ...] = (*files.COMPARISONS, *seller_log.COMPARISONS)
"""What needs files or a seller's log beside it."""
EVERY: tuple[Rule | Comparison, ...] = (*RULES, *COMPARISONS)
