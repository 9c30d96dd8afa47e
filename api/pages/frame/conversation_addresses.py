"""Where an organization and a seller talk: the other side's organization names the thread, of which there is one."""

from __future__ import annotations

from api.pages.frame.product_addresses import with_query

INBOX = "/conversations"
SELLER_INBOX = "/seller/conversations"
SERVICE_WINDOW = "/seller/service-window"


def with_seller(seller_id: str, order_id: str | None = None) -> str:
    """The thread with a seller, begun there; `order_id`: what it is about."""
    return with_query(f"{INBOX}/{seller_id}", order=order_id)


def with_customer(buyer_id: str) -> str:
    """A seller's thread with one of its customers."""
    return f"{SELLER_INBOX}/{buyer_id}"


def stream(conversation_id: str) -> str:
    """Event stream of a thread."""
    return f"/v1/conversations/{conversation_id}/stream"


def file(conversation_id: str, message_id: str) -> str:
    """A message's file, as the API hands it out."""
    return f"/v1/conversations/{conversation_id}/files/{message_id}"
