"""Where support tickets stand."""

from __future__ import annotations

from api.pages.frame.product_addresses import with_query

TICKETS = "/tickets"
TICKET_NEW = "/tickets/new"
SELLER_TICKETS = "/seller/tickets"
OPERATOR_TICKETS = "/operator/tickets"


def new_ticket(order_id: str) -> str:
    """The form of a ticket on an order."""
    return with_query(TICKET_NEW, order=order_id)


def ticket(ticket_id: str, *, sells: bool = False) -> str:
    """A ticket on its buyer's page, or on its seller's."""
    return f"{SELLER_TICKETS if sells else TICKETS}/{ticket_id}"


def file(ticket_id: str, message_id: str) -> str:
    """A message's file, as the API hands it out."""
    return f"/v1/tickets/{ticket_id}/files/{message_id}"
