"""Pages of sellers, promoters and issuers are not there for others."""

from __future__ import annotations

from api.pages.frame.site import PageRequest
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.channels.queries import list_own_channels


def require_seller(page_request: PageRequest) -> None:
    """The seller's dashboard is for organizations that sell; for others it is not there.

    Raises:
        NotFound: `not_found`.
    """
    if page_request.signed_in is None or not page_request.signed_in.organization.is_seller:
        raise NotFound("not_found")


def require_issuer(page_request: PageRequest) -> None:
    """What was issued is for organizations that issue: those that sell, and the platform for what it sells itself.

    Raises:
        NotFound: `not_found`.
    """
    if page_request.signed_in is None or not page_request.signed_in.organization.is_platform:
        require_seller(page_request)


def require_channel(page_request: PageRequest, uow: UnitOfWork) -> None:
    """Videos are for sellers and for whoever has a channel. Raises NotFound(`not_found`)."""
    if page_request.signed_in is not None and page_request.signed_in.organization.is_seller:
        return
    if not list_own_channels(uow):
        raise NotFound("not_found")
