"""The life of a share, from captured to paid out."""

from __future__ import annotations

from kernel.states import Machine, edges

SHARE = Machine(
    "share",
    initial="pending",
    edges=edges(
        pending="releasable reversed",
        releasable="in_statement reversed",
        # A payout that failed opens the statement again, not the share; a refund after this is a line of the next one.
        in_statement="paid",
        paid="",
        reversed="",
    ),
)
