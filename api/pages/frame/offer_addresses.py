"""Where offers stand."""

from __future__ import annotations


def offer(offer_id: str, act: str = "") -> str:
    """An offer to one's organization; `/buy` is the purchase sheet at its price, `/decline` and `/counter` are answers to it."""
    return f"/offers/{offer_id}{act}"


def seller_offer(offer_id: str, act: str = "") -> str:
    """An offer that a seller made; `/withdraw` takes it back, `/replacement` puts one in its place, `/decision` says whether
    it is sent.
    """
    return f"/seller/offers/{offer_id}{act}"


def offer_pdf(offer_id: str, language: str, *, sells: bool) -> str:
    """The PDF of an offer, as the API hands it out."""
    return f"/v1{'/seller' if sells else ''}/offers/{offer_id}/pdf?locale={language}"
