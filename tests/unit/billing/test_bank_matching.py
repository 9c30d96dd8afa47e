"""For what a transfer is: every imported cent is for something certain, or waits for a person, exactly once."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.bank.match_line import AskedTransfer, LineMatch, MoneyIn, match_line
from billing.bank.remark_code import draw_code
from billing.bank.same_name import name_key
from kernel.ids import uuid7

ACME = "明湖科技（深圳）有限公司"


def asked(
    missing_minor: int = 10_000,
    *,
    name: str = ACME,
    state: str = "awaited",
    virtual: str | None = None,
    waiting: tuple[tuple[UUID, int], ...] = (),
) -> AskedTransfer:
    return AskedTransfer(uuid7(), draw_code(), virtual, name_key(name), state, missing_minor, waiting)


def came(amount_minor: int = 10_000, *, remark: str = "", name: str = "", virtual: str = "") -> MoneyIn:
    return MoneyIn(amount_minor, name, remark, virtual)


def parts(match: LineMatch) -> dict[UUID, int]:
    return {part.transfer_id: part.amount_minor for part in match.parts}


class TestByWhatATransferIsKnown:
    def test_by_its_virtual_account_before_anything_else(self) -> None:
        one, other = asked(virtual="88990001"), asked()
        found = match_line(came(virtual="88990001", remark=other.remark_code, name=ACME), [one, other])
        assert parts(found) == {one.id: 10_000}

    def test_then_by_its_code(self) -> None:
        one, other = asked(name="A"), asked(name="B")
        assert parts(match_line(came(remark=f"货款 {other.remark_code}", name="A"), [one, other])) == {other.id: 10_000}

    def test_then_by_its_payer_and_the_exact_amount(self) -> None:
        one, other = asked(10_000), asked(20_000)
        assert parts(match_line(came(20_000, name="明湖科技(深圳)有限公司"), [one, other])) == {other.id: 20_000}

    def test_not_by_a_payer_who_owes_the_same_twice(self) -> None:
        assert match_line(came(name=ACME), [asked(), asked()]) == LineMatch(reason="ambiguous")

    def test_not_by_a_payer_who_owes_another_amount(self) -> None:
        assert match_line(came(9_999, name=ACME), [asked()]) == LineMatch(reason="ambiguous")

    def test_not_by_an_empty_name(self) -> None:
        assert match_line(came(name=" "), [asked(name=" ")]) == LineMatch(reason="unknown_payer")


class TestWhatIsNotExact:
    def test_less_more_again_and_late_wait_for_a_person(self) -> None:
        for state, amount_minor, reason in (
            ("awaited", 9_999, "short"),
            ("awaited", 10_001, "over"),
            ("received", 10_000, "duplicate"),
            ("withdrawn", 10_000, "late"),
        ):
            one = asked(state=state)
            found = match_line(came(amount_minor, remark=one.remark_code), [one])
            assert (found.parts, found.reason, found.transfer_id) == ((), reason, one.id)

    def test_one_transfer_for_several_purchases_is_taken_when_it_is_their_sum(self) -> None:
        one, other = asked(4_000), asked(6_000)
        remark = f"{one.remark_code} {other.remark_code}"
        assert parts(match_line(came(10_000, remark=remark), [one, other])) == {one.id: 4_000, other.id: 6_000}
        assert match_line(came(9_000, remark=remark), [one, other]).reason == "short"
        assert match_line(came(11_000, remark=remark), [one, other]).reason == "over"

    def test_of_several_purchases_none_is_paid_when_one_of_them_is_not_awaited(self) -> None:
        one, other = asked(4_000), asked(6_000, state="received")
        remark = f"{one.remark_code} {other.remark_code}"
        assert match_line(came(10_000, remark=remark), [one, other]).reason == "duplicate"

    def test_several_transfers_for_one_purchase_are_taken_when_they_are_its_amount(self) -> None:
        earlier = uuid7()
        one = asked(10_000, waiting=((earlier, 4_000),))
        found = match_line(came(6_000, remark=one.remark_code), [one])
        assert [(part.line_id, part.amount_minor) for part in found.parts] == [(earlier, 4_000), (None, 6_000)]
        assert match_line(came(5_999, remark=one.remark_code), [one]).reason == "short"
        assert match_line(came(6_001, remark=one.remark_code), [one]).reason == "over"


_amounts = st.integers(1, 30)


@st.composite
def _situations(draw: st.DrawFn) -> tuple[MoneyIn, list[AskedTransfer]]:
    names = st.sampled_from([ACME, "B", ""])
    transfers = [
        asked(
            draw(_amounts),
            name=draw(names),
            state=draw(st.sampled_from(["awaited", "awaited", "received", "withdrawn"])),
            virtual=draw(st.sampled_from([None, "1", "2"])),
            waiting=tuple((uuid7(), minor) for minor in draw(st.lists(_amounts, max_size=2))),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    named = draw(st.lists(st.sampled_from([one.remark_code for one in transfers] or ["-"]), max_size=3))
    virtual = draw(st.sampled_from(["", "", "1"]))
    return came(draw(st.integers(1, 60)), remark=" ".join(named), name=draw(names), virtual=virtual), transfers


@given(_situations())
def test_a_match_takes_the_whole_line_once_and_exactly_what_its_transfers_lack(
    situation: tuple[MoneyIn, list[AskedTransfer]],
) -> None:
    money, transfers = situation
    found = match_line(money, transfers)
    assert (not found.parts) == (found.reason is not None)
    if not found.parts:
        return
    by_id = {one.id: one for one in transfers}
    taken: Counter[UUID] = Counter()
    for part in found.parts:
        assert part.amount_minor > 0
        taken[part.transfer_id] += part.amount_minor
        if part.line_id is not None:
            assert (part.line_id, part.amount_minor) in by_id[part.transfer_id].waiting
    assert sum(part.amount_minor for part in found.parts if part.line_id is None) == money.amount_minor
    earlier = [part.line_id for part in found.parts if part.line_id is not None]
    assert len(earlier) == len(set(earlier))
    for transfer_id, minor in taken.items():
        assert by_id[transfer_id].state == "awaited"
        assert by_id[transfer_id].missing_minor == minor
