"""Addresses of services that are delivered in milestones."""

SELLER_SERVICES = "/seller/services"
OPERATOR_SERVICES = "/operator/services"


def seller_service(order_id: str, act: str = "") -> str:
    """A sold order's milestones; ``act``: where taking it on, or refusing it, posts."""
    return f"{SELLER_SERVICES}/{order_id}" + (f"/{act}" if act else "")


def sold_milestone(order_id: str, milestone_id: str, act: str) -> str:
    """Where the seller's acts on a milestone post."""
    return f"{SELLER_SERVICES}/{order_id}/{milestone_id}/{act}"


def sold_file(order_id: str, milestone_id: str, file_id: str, act: str = "") -> str:
    """A file of the seller's own; ``act``: where taking it back posts."""
    return f"{SELLER_SERVICES}/{order_id}/{milestone_id}/files/{file_id}" + (f"/{act}" if act else "")


def bought_milestone(order_id: str, milestone_id: str, act: str) -> str:
    """Where the buyer's acts on a milestone post."""
    return f"/orders/{order_id}/milestones/{milestone_id}/{act}"


def bought_file(order_id: str, milestone_id: str, file_id: str) -> str:
    """A file that was delivered to the buyer."""
    return f"/orders/{order_id}/milestones/{milestone_id}/files/{file_id}"
