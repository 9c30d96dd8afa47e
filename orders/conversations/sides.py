"""Who may speak with whom: a thread's two sides, and whether a seller knows an organization at all."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.parties.lookups import Party, get_party
from marketplace.parties.models import Organization
from marketplace.relations.models import CustomerRelation
from orders.conversations.models import Conversation

MANAGE = "leads.manage"
"""Of the seller's people: who takes care of customers."""
Side = Literal["buyer", "seller"]


def side_of(uow: UnitOfWork, conversation: Conversation) -> Side:
    """Which side of a thread acts. Raises NotFound(`conversation_not_found`), Forbidden(`permission_missing`)."""
    org_id = uow.principal.organization()
    if conversation.buyer_org_id == org_id:
        return "buyer"
    if conversation.seller_org_id != org_id:
        raise NotFound("conversation_not_found")
    uow.principal.require(MANAGE)
    return "seller"


def lock_conversation(uow: UnitOfWork, conversation_id: UUID) -> tuple[Conversation, Side]:
    """A thread of the acting organization, locked. Raises as `side_of`."""
    found = lock_row(uow.session, Conversation, conversation_id)
    if found is None:
        raise NotFound("conversation_not_found")
    return found, side_of(uow, found)


def find_between(uow: UnitOfWork, buyer_id: UUID, seller_id: UUID) -> Conversation | None:
    """The thread of the two, as far as the acting organization is one of them."""
    both = (Conversation.buyer_org_id == buyer_id, Conversation.seller_org_id == seller_id)
    return uow.session.scalars(select(Conversation).where(*both)).one_or_none()


def hold_between(uow: UnitOfWork, buyer_id: UUID) -> None:
    """Of two who begin the same thread at once one waits for the other. Locks: the buyer's organization."""
    lock_aggregate(uow, buyer_id)


def addressed_seller(uow: UnitOfWork, seller_id: UUID) -> Party:
    """A seller that the acting organization may write to: any but itself.

    Raises: NotFound `organization_not_found`, Conflict `conversation_with_oneself`.
    """
    if seller_id == uow.principal.organization():
        raise Conflict("conversation_with_oneself")
    party = get_party(uow, seller_id)
    if not party.is_seller:
        raise NotFound("organization_not_found")
    return party


def name_of_known(uow: UnitOfWork, buyer_id: UUID) -> str:
    """What an organization is called that the acting seller may write to first: one that bought, asked, or wrote before.

    Whom it does not know it cannot address: the answer is the same as for an organization that is not there.

    Raises: Forbidden `permission_missing` without leads.manage; NotFound `customer_not_found`.
    """
    uow.principal.require(MANAGE)
    seller_id = uow.principal.organization()
    known = find_between(uow, buyer_id, seller_id)
    if known is not None:
        return known.buyer_name
    row = uow.session.get(CustomerRelation, (seller_id, buyer_id))
    name = (row.bought_name or row.asked_name) if row is not None else None
    if name is None:
        raise NotFound("customer_not_found")
    return name


def own_name(uow: UnitOfWork) -> str:
    """What the acting organization is called."""
    return uow.session.get_one(Organization, uow.principal.organization()).display_name
