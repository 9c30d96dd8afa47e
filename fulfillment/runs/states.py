"""Transition tables of delivery."""

from __future__ import annotations

from kernel.states import Machine, edges

RUN = Machine(
    "run",
    initial="queued",
    edges=edges(
        # A callback may answer an earlier try while the run is queued for the next one.
        queued="calling succeeded failed dead",
        calling="waiting succeeded queued failed dead",
        waiting="succeeded failed dead queued",
        succeeded="",
        failed="queued",
        dead="queued",
    ),
)
"""`failed`: the seller said no. `dead`: time ran out. Both may be replayed by hand while that helps."""

LIVE = ("queued", "calling", "waiting")

ENTITLEMENT = Machine(
    "entitlement",
    initial="pending",
    edges=edges(pending="active ended", active="suspended ended", suspended="active ended", ended=""),
)
