"""What of a viewer decides what the feed and the catalogue's lists show them, and the version that it is decided in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, func, or_, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing
from marketplace.channels.models import Follow
from marketplace.discovery.models import CatalogueVersion
from marketplace.videos.models import Video

_OWN = bindparam("own_id", type_=Uuid)
_VIEWER = Read(
    select(
        CatalogueVersion.version,
        or_(exists().where(Video.org_id == _OWN), exists().where(Listing.org_id == _OWN)).label("owns"),
        select(func.array_agg(Follow.channel_id))
        .where(Follow.org_id == _OWN, Follow.person_id == bindparam("person_id", type_=Uuid))
        .scalar_subquery()
        .label("followed"),
    )
)


@dataclass(frozen=True, slots=True)
class CatalogueViewer:
    """Two viewers that are equal are shown the same: same version, same rights, same channels followed.

    `org_id` is None for organizations with neither videos nor listings: no row of the catalogue is theirs, so they see
    what everybody sees.
    """

    version: UUID
    is_platform: bool
    org_id: UUID | None
    followed: frozenset[UUID]


def find_catalogue_viewer(uow: UnitOfWork) -> CatalogueViewer | None:
    """The acting principal as a viewer, None when the catalogue has no version.

    Ask before reading what is to be kept, in a transaction that changes nothing: then what was read is never older than
    the version, whatever is committed in between.
    """
    principal = uow.principal
    row = uow.find(_VIEWER, own_id=principal.org_id, person_id=principal.person_id)
    if row is None:
        return None
    own_id = principal.org_id if row.owns else None
    return CatalogueViewer(row.version, principal.is_platform, own_id, frozenset(row.followed or ()))
