"""Pages of sellers and promoters are not there for others."""

from __future__ import annotations

from api.pages.frame.site import Visit
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.channels.queries import list_own_channels


def require_seller(visit: Visit) -> None:
    """The seller's desk is for organizations that sell; for others it is not there.

    Raises:
        NotFound: `not_found`.
    """
    if visit.signed_in is None or not visit.signed_in.organization.is_seller:
        raise NotFound("not_found")


def require_channel(visit: Visit, uow: UnitOfWork) -> None:
    """Videos are for sellers and for whoever has a channel. Raises NotFound(`not_found`)."""
    if visit.signed_in is not None and visit.signed_in.organization.is_seller:
        return
    if not list_own_channels(uow):
        raise NotFound("not_found")
