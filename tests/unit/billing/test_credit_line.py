"""What buyers may owe is never exceeded, whatever is bought, paid, refunded and decided in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from billing.credit_lines.models import CreditLine
from kernel.ids import uuid7

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MINOR = st.integers(1, 1_000)
STEPS = st.lists(
    st.tuples(st.sampled_from(("buy", "draw", "release", "pay", "refund", "limit", "close", "open")), MINOR),
    max_size=60,
)


def make_line(limit_minor: int) -> CreditLine:
    amounts = {"held_minor": 0, "used_minor": 0, "over_minor": 0, "limit_minor": limit_minor}
    return CreditLine(id=uuid7(), org_id=uuid7(), currency="CNY", state="open", term_days=30, **amounts)


@given(limit_minor=st.integers(0, 2_000), steps=STEPS)
def test_no_order_of_events_passes_the_limit_or_falls_below_nothing(
    limit_minor: int, steps: list[tuple[str, int]]
) -> None:
    line = make_line(limit_minor)
    held: list[int] = []
    owed: list[int] = []
    for what, minor in steps:
        before = line.used_minor + line.held_minor
        if what == "buy":
            if line.refusal(minor, NOW) is None:
                line.hold(minor)
                held.append(minor)
                assert line.used_minor + line.held_minor <= line.limit_minor
            else:
                assert line.state != "open" or before + minor > line.limit_minor
        elif what == "draw" and held:
            owed.append(held.pop(0))
            line.draw(owed[-1])
        elif what == "release" and held:
            line.release(held.pop())
        elif what == "pay" and owed:
            line.repay(owed.pop(0))
        elif what == "refund" and owed:
            part = min(minor, owed[-1])
            owed[-1] -= part
            line.repay(part)
        elif what == "limit":
            line.change_limit(minor)
        elif what in ("close", "open"):
            line.state = "closed" if what == "close" else "open"
        assert (line.held_minor, line.used_minor) == (sum(held), sum(owed))
        assert line.over_minor == max(0, line.used_minor + line.held_minor - line.limit_minor)
        assert what in ("buy", "limit") or line.used_minor + line.held_minor <= before


def test_while_something_is_overdue_nothing_fits() -> None:
    line = make_line(1_000)
    line.first_due_at = NOW
    assert line.refusal(1, NOW) == "credit_line_overdue"
