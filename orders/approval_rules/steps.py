"""The steps in which a purchase is decided, and who may take one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from kernel.errors import Forbidden

Who = Literal["approver", "finance", "persons"]
PERMISSIONS: dict[str, str] = {"approver": "orders.approve", "finance": "billing.manage"}
"""What a step asks of whoever decides it; that of named persons asks for nothing but them."""


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A member, by the name they had when the step was set."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """One decision of one person. With `above_minor` it is left out of purchases in `currency` up to that gross amount."""

    who: Who
    persons: tuple[NamedPerson, ...] = ()
    above_minor: int | None = None
    currency: str | None = None

    def applies(self, currency: str, gross_minor: int) -> bool:
        """Whether a purchase of this amount takes this step. An amount in another currency is compared with nothing."""
        return self.above_minor is None or self.currency != currency or gross_minor > self.above_minor

    def stored(self) -> dict[str, Any]:
        """As rows keep it."""
        return {
            "who": self.who,
            "persons": [{"id": str(one.id), "name": one.name} for one in self.persons],
            "above_minor": self.above_minor,
            "currency": self.currency,
        }


ANY_APPROVER = ApprovalStep("approver")
"""The only step where an organization has set none, or none that applies."""


def steps_from(stored: Iterable[Any]) -> tuple[ApprovalStep, ...]:
    """What a row keeps of them."""
    return tuple(
        ApprovalStep(
            one["who"],
            tuple(NamedPerson(UUID(person["id"]), person["name"]) for person in one.get("persons", ())),
            one.get("above_minor"),
            one.get("currency"),
        )
        for one in stored
    )


def steps_for(steps: Sequence[ApprovalStep], currency: str, gross_minor: int) -> tuple[ApprovalStep, ...]:
    """The steps that a purchase of this amount takes: at least one."""
    return tuple(one for one in steps if one.applies(currency, gross_minor)) or (ANY_APPROVER,)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member and what they may do."""

    person_id: UUID
    permissions: frozenset[str]

    def may_take(self, step: ApprovalStep) -> bool:
        """Whether the step is one of this member's."""
        if step.who == "persons":
            return any(one.id == self.person_id for one in step.persons)
        return PERMISSIONS[step.who] in self.permissions


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """A step of a purchase that waits, with what was decided before it."""

    step: ApprovalStep
    requested_by: UUID | None
    decided: frozenset[UUID]
    """Who took an earlier step, and in whose place."""
    self_approval: bool


def decider_of(asked: WaitingStep, actor: Candidate, stands_for: Collection[Candidate]) -> Candidate:
    """In whose right `actor` decides: their own, else that of somebody they stand in for.

    Nobody decides what they asked for themselves, unless the rule allows it, nor twice of one purchase; not through a deputy
    either.

    Raises: Forbidden `self_approval`, `decided_before`, `not_your_step`.
    """
    if asked.requested_by == actor.person_id and not asked.self_approval:
        raise Forbidden("self_approval")
    if actor.person_id in asked.decided:
        raise Forbidden("decided_before")
    for one in (actor, *stands_for):
        own = one.person_id == asked.requested_by and not asked.self_approval
        if one.may_take(asked.step) and not own and one.person_id not in asked.decided:
            return one
    raise Forbidden("not_your_step", who=asked.step.who)
