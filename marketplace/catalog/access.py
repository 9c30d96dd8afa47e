"""Whom a product is shown to: the one place that decides it. Lists, product pages, cards, search and quotes all ask here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, func, or_, select

from marketplace.catalog.models import Listing


def shown_to(org_id: UUID) -> ColumnElement[bool]:
    """The condition under which a listing on sale is shown to an organization, whoever asks."""
    return or_(Listing.visibility == "public", Listing.org_id == org_id, _in_groups(org_id))


def _in_groups(org_id: Any) -> ColumnElement[bool]:
    # A subquery by itself is asked once a statement, and not before the first listing that is not for everybody.
    groups = select(func.marketplace.partner_groups(org_id, type_=ARRAY(Uuid))).scalar_subquery()
    overlapping: ColumnElement[bool] = Listing.partner_groups.overlap(groups)
    return overlapping


SHOWN = or_(
    Listing.visibility == "public",
    func.kernel.is_platform(),
    Listing.org_id == func.kernel.current_org(),
    _in_groups(func.kernel.current_org()),
)
"""`shown_to` whoever reads, and to the platform: for statements that are built once, too.

Row level security lets an organization read a little more: what it has bought or was offered, after its link has ended.
"""
