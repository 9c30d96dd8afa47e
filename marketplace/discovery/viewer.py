"""What of a viewer decides what the feed and the catalogue's lists show them, and the version that it is decided in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import array

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from marketplace.catalog.models import Listing
from marketplace.channels.models import Follow
from marketplace.discovery.models import CatalogueVersion
from marketplace.parties.models import Organization
from marketplace.videos.models import Video

_ASKED = (
    func.unnest(bindparam("org_ids", type_=ARRAY(Uuid)), bindparam("person_ids", type_=ARRAY(Uuid)))
    .table_valued(column("org_id", Uuid), column("person_id", Uuid), name="asked")
    .render_derived()
)
_VIEWERS = Read(
    select(
        _ASKED.c.org_id,
        _ASKED.c.person_id,
        CatalogueVersion.version,
        # The oldest of each is looked up by an index; of EXISTS the database may read all rows to find that there is none.
        func.coalesce(
            select(func.min(Video.created_at)).where(Video.org_id == _ASKED.c.org_id).scalar_subquery(),
            select(func.min(Listing.created_at)).where(Listing.org_id == _ASKED.c.org_id).scalar_subquery(),
            # Of those for partners all are looked through: under row level security no index may be asked, as `@>` is not
            # leakproof.
            select(func.min(Video.created_at))
            .where(
                Video.state == literal_column("'published'"),
                Video.visibility == literal_column("'partners'"),
                Video.partner_ids.contains(array([_ASKED.c.org_id])),
            )
            .scalar_subquery(),
        )
        .is_not(None)
        .label("sees_more"),
        func.marketplace.partner_groups(_ASKED.c.org_id, type_=ARRAY(Uuid)).label("groups"),
        select(func.array_agg(Follow.channel_id))
        .where(Follow.org_id == _ASKED.c.org_id, Follow.person_id == _ASKED.c.person_id)
        .scalar_subquery()
        .label("followed"),
        select(Organization.interests).where(Organization.id == _ASKED.c.org_id).scalar_subquery().label("interests"),
    )
    .select_from(CatalogueVersion)
    .join(_ASKED, CatalogueVersion.id == 1)
)


@dataclass(frozen=True, slots=True)
class CatalogueViewer:
    """Two viewers that are equal are shown the same: same version, same rights, same channels followed, same interests.

    `org_id` is None for organizations with neither videos nor listings that no video names: no row of the catalogue is shown to
    them alone, so they see what everybody sees that is in the same `groups`: a link that is accepted or ends is another viewer.
    """

    version: UUID
    is_platform: bool
    org_id: UUID | None
    followed: frozenset[UUID]
    interests: frozenset[str] = frozenset()
    groups: frozenset[UUID] = frozenset()
    """The sellers and tiers of its partner links (`Listing.partner_groups`)."""


def find_catalogue_viewers(uow: UnitOfWork, principals: Iterable[Principal]) -> dict[Principal, CatalogueViewer]:
    """The principals as viewers, in one statement; empty when the catalogue has no version.

    `uow` is the platform's, or theirs. Ask before reading what is to be kept, in a transaction that changes nothing: then
    what was read is never older than the version, whatever is committed in between.
    """
    asked = {principal: (principal.org_id, principal.person_id) for principal in principals}
    pairs = list(set(asked.values()))
    rows = uow.fetch(_VIEWERS, org_ids=[pair[0] for pair in pairs], person_ids=[pair[1] for pair in pairs])
    found = {(row.org_id, row.person_id): row for row in rows}
    return {
        principal: CatalogueViewer(
            found[pair].version,
            principal.is_platform,
            principal.org_id if found[pair].sees_more else None,
            frozenset(found[pair].followed or ()),
            frozenset(found[pair].interests or ()),
            frozenset(found[pair].groups or ()),
        )
        for principal, pair in asked.items()
        if pair in found
    }
