"""What becomes of answers by the clock."""

from __future__ import annotations

from datetime import timedelta

from kernel.db.uow import Transact
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from marketplace.response_cards.work_response import erase_due, responses_due

SWEEP_RESPONSES = "marketplace.card_responses.erase"


def register() -> None:
    """Let what is personal go when its time is over."""

    @sweep(SWEEP_RESPONSES, every=timedelta(minutes=1))
    def sweep_responses(transact: Transact) -> None:
        settle_each(transact, responses_due, erase_due)
