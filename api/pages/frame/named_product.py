"""A product as people name it: by the address of its page, copied from the browser."""

from __future__ import annotations

import re
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from marketplace.catalog.queries import ListingView, get_listing

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def named_product(uow: UnitOfWork, typed: str) -> ListingView:
    """The product on sale whose id stands in what was typed. Raises Invalid(`listing_unknown`)."""
    found = _ID.search(typed)
    if found is None:
        raise Invalid("listing_unknown", field="product")
    try:
        return get_listing(uow, UUID(found[0]))
    except NotFound as error:
        raise Invalid("listing_unknown", field="product") from error
