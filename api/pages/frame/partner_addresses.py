"""Addresses of partners of sellers, tiers and their price lists, and of the sheets that partners order by."""

PARTNERS = "/partners"
SELLER_PARTNERS = "/seller/partners"
TIERS = "/seller/partner-tiers"


def partner(link_id: str, act: str) -> str:
    """Where a partner answers a seller, takes back what it asked, or ends it."""
    return f"{PARTNERS}/{link_id}/{act}"


def seller_partner(link_id: str, act: str) -> str:
    """The same for the seller, who also moves a partner to another tier."""
    return f"{SELLER_PARTNERS}/{link_id}/{act}"


def tier(tier_id: str) -> str:
    """A tier, its price list, and where a price is added."""
    return f"{TIERS}/{tier_id}"


def tier_names(tier_id: str) -> str:
    """Where a tier's names and rank are changed."""
    return f"{TIERS}/{tier_id}/names"


def tier_price_end(price_id: str) -> str:
    """Where a price of a tier is ended."""
    return f"/seller/tier-prices/{price_id}/end"


def joining(seller_id: str) -> str:
    """What a seller shares: whoever opens it may ask to be its partner."""
    return f"{PARTNERS}?seller={seller_id}"


INVITATIONS = "/seller/partner-invitations"


def invitation(code: str) -> str:
    """What a seller sends its dealers: whoever opens it may become its partner."""
    return f"/partner-invitations/{code}"


def invitation_revoke(invitation_id: str) -> str:
    """Where it is made good for nobody."""
    return f"{INVITATIONS}/{invitation_id}/revoke"


TIER_OFFERS = "/seller/tier-offers"


def tier_offer(tier_offer_id: str, act: str = "") -> str:
    """What a seller offers to a tier; `/withdraw` takes it back, `/decision` says whether it is sent."""
    return f"{TIER_OFFERS}/{tier_offer_id}{act}"


ORDER_SHEETS = "/order-sheets"
ORDER_SHEET_TEMPLATE = "/order-sheets/template"


def order_sheet(sheet_id: str, act: str = "") -> str:
    """A sheet; `/lines`, `/leave-out`, `/file`, `/quotes`, `/order` and `/discard` are what is done with it."""
    return f"{ORDER_SHEETS}/{sheet_id}{act}"


DEALER_LISTS = "/seller/dealer-lists"
DEALER_LIST_TEMPLATE = "/seller/dealer-lists/template"


def dealer_list(list_id: str, act: str = "") -> str:
    """A list of dealers; `/lines`, `/leave-out`, `/file`, `/send`, `/mail` and `/discard` are what is done with it."""
    return f"{DEALER_LISTS}/{list_id}{act}"


def invited_dealer(list_id: str, invitation_id: str, act: str) -> str:
    """Where an invitation of a list is mailed once more (`mail`) or revoked (`revoke`)."""
    return f"{DEALER_LISTS}/{list_id}/invitations/{invitation_id}/{act}"
