"""Who takes which step of a purchase, over all of them."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Forbidden
from marketplace.access.permissions import ROLES, permissions_of
from orders.approval_rules.steps import (
    ANY_APPROVER,
    ApprovalStep,
    Candidate,
    NamedPerson,
    WaitingStep,
    Who,
    decider_of,
    steps_for,
    steps_from,
)

WHO: tuple[Who, ...] = ("approver", "finance", "persons")
PEOPLE = tuple(UUID(int=n) for n in range(1, 7))
person_ids = st.sampled_from(PEOPLE)
amounts = st.integers(0, 10**9)
candidates = st.builds(Candidate, person_ids, st.lists(st.sampled_from(sorted(ROLES)), max_size=2).map(permissions_of))


@st.composite
def steps(draw: st.DrawFn) -> ApprovalStep:
    who: Who = draw(st.sampled_from(WHO))
    named = draw(st.lists(person_ids, min_size=1, max_size=3, unique=True)) if who == "persons" else []
    limit = draw(st.none() | st.tuples(amounts, st.sampled_from(("CNY", "USD"))))
    above, currency = limit or (None, None)
    return ApprovalStep(who, tuple(NamedPerson(one, str(one)[-1]) for one in named), above, currency)


waiting = st.builds(
    WaitingStep, steps(), st.none() | person_ids, st.frozensets(person_ids, max_size=3), self_approval=st.booleans()
)


@given(waiting, candidates, st.lists(candidates, max_size=3))
def test_a_step_is_taken_in_the_right_of_somebody_who_has_it_and_twice_by_nobody(
    asked: WaitingStep, actor: Candidate, standing: list[Candidate]
) -> None:
    try:
        right = decider_of(asked, actor, standing)
    except Forbidden:
        return
    assert right is actor or right in standing
    assert right.may_take(asked.step)
    assert not {actor.person_id, right.person_id} & asked.decided
    if not asked.self_approval:
        assert asked.requested_by not in {actor.person_id, right.person_id}


@given(waiting, candidates)
def test_whoever_has_the_step_and_asked_for_nothing_takes_it(asked: WaitingStep, actor: Candidate) -> None:
    fresh = WaitingStep(asked.step, None, frozenset(), self_approval=False)
    if actor.may_take(asked.step):
        assert decider_of(fresh, actor, ()) is actor
    else:
        with pytest.raises(Forbidden, match="not_your_step"):
            decider_of(fresh, actor, ())


@given(st.lists(steps(), max_size=5), st.sampled_from(("CNY", "USD")), amounts)
def test_a_purchase_takes_every_step_that_applies_and_one_at_least(
    some: list[ApprovalStep], currency: str, gross: int
) -> None:
    taken = steps_for(some, currency, gross)
    assert taken
    left_out = [one for one in some if one not in taken]
    assert all(
        one.currency == currency and one.above_minor is not None and gross <= one.above_minor for one in left_out
    )
    assert set(taken) <= {*some, ANY_APPROVER}
    if len(left_out) < len(some):
        assert [one for one in some if one in taken] == list(taken)


@given(st.lists(steps(), max_size=5))
def test_steps_are_kept_as_they_are(some: list[ApprovalStep]) -> None:
    assert list(steps_from([one.stored() for one in some])) == some
