"""What waits for a person: what they have not read, and the purchases whose next step is theirs to take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.access.models import Member
from marketplace.access.permissions import roles_with
from marketplace.notifications.queries import UNREAD
from marketplace.parties.models import Organization
from orders.approval_rules.deputies import is_in_force
from orders.approval_rules.models import ApprovalDeputy
from orders.approval_rules.steps import ANY_APPROVER, PERMISSIONS
from orders.checkout.models import Approval, Purchase
from orders.conversations.queries import unread_threads
from orders.conversations.sides import MANAGE


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the acting person, in the organization that they act for."""

    unread: int
    """Notifications, `MOST_COUNTED` at most."""
    approvals: int
    """Purchases."""
    stands_in: bool
    """Whether they decide in somebody's place today."""
    conversations: int
    """Threads with sellers that hold something unread."""
    seller_conversations: int
    """Threads with customers, of whoever takes care of these."""


def count_waiting(uow: UnitOfWork) -> Waiting:
    """All of it, in one statement. Raises Forbidden(`person_required`)."""
    principal = uow.principal
    person_id = principal.person()
    found = uow.find(
        _WAITING,
        person_id=person_id,
        org_id=principal.org_id,
        permissions=sorted(principal.permissions),
        own=[who for who, permission in PERMISSIONS.items() if principal.may(permission)],
        named=json.dumps({"persons": [{"id": str(person_id)}]}),
        now=clock.now(),
    )
    return Waiting(found.unread, found.approvals, found.stands_in, found.conversations, found.seller_conversations)


def _condition_of_approvals() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of a purchase: it waits for a step that the person takes; and of nothing: they stand in for somebody today."""
    person_id, org_id = bindparam("person_id", type_=Uuid), bindparam("org_id", type_=Uuid)
    taken = select(func.count()).where(Approval.purchase_id == Purchase.id).scalar_subquery()
    default = cast(literal_column(f"'{json.dumps(ANY_APPROVER.stored())}'"), JSONB)
    step = func.coalesce(Purchase.approval_steps[cast(taken, Integer)], default)
    who: ColumnElement[Any] = step.op("->>")("who")
    delegations = exists().where(
        ApprovalDeputy.org_id == org_id,
        ApprovalDeputy.deputy_id == person_id,
        Organization.id == ApprovalDeputy.org_id,
        Member.org_id == ApprovalDeputy.org_id,
        Member.person_id == ApprovalDeputy.person_id,
        Member.state == "active",
        is_in_force(bindparam("now", type_=DateTime(timezone=True))),
    )
    represented_takes = or_(
        *((who == name) & Member.roles.overlap(roles_with({permission})) for name, permission in PERMISSIONS.items()),
        step.op("@>")(
            func.jsonb_build_object(
                "persons", func.jsonb_build_array(func.jsonb_build_object("id", cast(ApprovalDeputy.person_id, Text)))
            )
        ),
    )
    own = or_(
        who == any_(bindparam("own", type_=ARRAY(Text))),
        step.op("@>")(cast(bindparam("named", type_=Text), JSONB)),
    )
    # Nobody decides through a deputy what they asked for themselves, nor the deputy what they asked for.
    in_place = delegations.where(
        represented_takes,
        Purchase.requested_by.is_distinct_from(ApprovalDeputy.person_id),
        Purchase.requested_by.is_distinct_from(person_id),
    ).correlate(Purchase)
    waits = (
        (Purchase.buyer_org_id == org_id)
        # In words, which the index of those that wait can serve.
        & (Purchase.state == literal_column("'pending_approval'"))
        & or_(own, in_place)
    )
    return waits, delegations


_WAITS, _STANDS_IN = _condition_of_approvals()
_TAKES_CARE: ColumnElement[bool] = literal(MANAGE) == any_(bindparam("permissions", type_=ARRAY(Text)))
_WAITING = Read(
    select(
        UNREAD.scalar_subquery().label("unread"),
        select(func.count()).select_from(Purchase).where(_WAITS).scalar_subquery().label("approvals"),
        _STANDS_IN.label("stands_in"),
        unread_threads("buyer").scalar_subquery().label("conversations"),
        case((_TAKES_CARE, unread_threads("seller").scalar_subquery()), else_=0).label("seller_conversations"),
    )
)
