"""Set what an organization may buy at all, and in which steps its purchases are decided."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.money import exponent
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds
from marketplace.catalog.models import Listing
from orders.approval_rules.models import ALLOW_MODES, PurchasePolicy
from orders.approval_rules.set_rule import require_sellers
from orders.approval_rules.steps import ApprovalStep, NamedPerson

MOST_STEPS = 5
MOST_PERSONS = 3
MOST_ALLOWED = 500
READS = "orders.read"
"""What whoever decides must be able to see."""


@dataclass(frozen=True, slots=True)
class SetAllowList:
    """The whole list. `mode` says what becomes of the rest, one of `ALLOW_MODES`."""

    mode: str
    seller_org_ids: tuple[UUID, ...] = ()
    listing_ids: tuple[UUID, ...] = ()


def set_allow_list(uow: UnitOfWork, command: SetAllowList) -> PurchasePolicy:
    """Replace the acting organization's allow-list. What waits already goes on waiting.

    Raises: Invalid `allow_mode_unknown`, `too_many_allowed`, `seller_unknown`, `listing_unknown`. Locks: the policy.
    """
    if command.mode not in ALLOW_MODES:
        raise Invalid("allow_mode_unknown", field="mode")
    policy = _lock_policy(uow)
    sellers, listings = sorted(set(command.seller_org_ids)), sorted(set(command.listing_ids))
    if len(sellers) + len(listings) > MOST_ALLOWED:
        raise Invalid("too_many_allowed", field="listing_ids", limit=MOST_ALLOWED)
    # What was on the list stays, though it be sold no more.
    require_sellers(uow, [one for one in sellers if one not in policy.allowed_sellers])
    _require_listings(uow, [one for one in listings if one not in policy.allowed_listings])
    policy.allow_mode, policy.allowed_sellers, policy.allowed_listings = command.mode, sellers, listings
    audit.record(
        uow,
        "allow_list.set",
        subject_id=policy.id,
        mode=policy.allow_mode,
        sellers=len(sellers),
        listings=len(listings),
    )
    uow.flush()
    return policy


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry of the list: a seller with all it sells, or one listing."""

    seller_org_id: UUID | None = None
    listing_id: UUID | None = None


def change_allow_list(uow: UnitOfWork, entry: AllowEntry, *, allowed: bool) -> PurchasePolicy:
    """Put an entry on the list or take it off; either done twice stays done. Raises and locks as `set_allow_list`."""
    policy = _lock_policy(uow)
    sellers = _with(policy.allowed_sellers, entry.seller_org_id, allowed=allowed)
    listings = _with(policy.allowed_listings, entry.listing_id, allowed=allowed)
    return set_allow_list(uow, SetAllowList(policy.allow_mode, sellers, listings))


def set_steps(uow: UnitOfWork, steps: Sequence[ApprovalStep]) -> PurchasePolicy:
    """Replace the steps in which the acting organization's purchases are decided; none: any approver decides alone.

    Purchases that wait already keep the steps that they were placed with. Names of persons are filled in.

    Raises: Invalid `too_many_steps`, `step_persons_required`, `too_many_persons`, `person_may_not_decide`,
    `step_amount_incomplete`, `currency_unknown`. Locks: the policy.
    """
    if len(steps) > MOST_STEPS:
        raise Invalid("too_many_steps", field="steps", limit=MOST_STEPS)
    for step in steps:
        _check_step(step)
    names = _names_of(uow, {one.id for step in steps for one in step.persons})
    named = [replace(step, persons=tuple(NamedPerson(one.id, names[one.id]) for one in step.persons)) for step in steps]
    policy = _lock_policy(uow)
    policy.steps = [step.stored() for step in named]
    audit.record(uow, "approval_steps.set", subject_id=policy.id, steps=" ".join(step.who for step in named))
    uow.flush()
    return policy


def _lock_policy(uow: UnitOfWork) -> PurchasePolicy:
    org_id = uow.principal.organization()
    fresh = {"allow_mode": "off", "allowed_sellers": [], "allowed_listings": [], "steps": []}
    uow.session.execute(
        insert(PurchasePolicy)
        .values(id=uuid7(), org_id=org_id, **fresh)
        .on_conflict_do_nothing(index_elements=["org_id"])
    )
    statement = select(PurchasePolicy).where(PurchasePolicy.org_id == org_id).with_for_update()
    return uow.session.scalars(statement.execution_options(populate_existing=True)).one()


def _with(ids: Sequence[UUID], changed: UUID | None, *, allowed: bool) -> tuple[UUID, ...]:
    if changed is None:
        return tuple(ids)
    rest = tuple(one for one in ids if one != changed)
    return (*rest, changed) if allowed else rest


def _require_listings(uow: UnitOfWork, listing_ids: list[UUID]) -> None:
    found = uow.session.scalars(
        select(Listing.id).where(Listing.id.in_(listing_ids), Listing.state == "published")
    ).all()
    if len(found) != len(set(listing_ids)):
        raise Invalid("listing_unknown", field="listing_ids")


def _check_step(step: ApprovalStep) -> None:
    if step.who == "persons" and not step.persons:
        raise Invalid("step_persons_required", field="steps")
    if len(step.persons) > MOST_PERSONS:
        raise Invalid("too_many_persons", field="steps", limit=MOST_PERSONS)
    if (step.above_minor is None) != (step.currency is None):
        raise Invalid("step_amount_incomplete", field="steps")
    if step.currency is not None:
        try:
            exponent(step.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="steps") from error


def _names_of(uow: UnitOfWork, person_ids: Collection[UUID]) -> dict[UUID, str]:
    """Of members who can see what they are to decide. Raises Invalid(`person_may_not_decide`)."""
    rows = uow.session.execute(
        select(Person.id, Person.name, Member.roles)
        .join(Member, Member.person_id == Person.id)
        .where(
            Member.org_id == uow.principal.organization(), Member.state == "active", Member.person_id.in_(person_ids)
        )
    )
    names = {person_id: name for person_id, name, roles in rows if holds(roles, READS)}
    if len(names) != len(person_ids):
        raise Invalid("person_may_not_decide", field="steps")
    return names
