"""The part of a form that says which partners something is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from api.pages.frame.site import Form, PageRequest
from kernel.errors import NotFound
from kernel.ids import parse_uuid
from marketplace.relations.partner_groups import PartnerGroups, TierNamed

EVERYBODY, TIER = "all_partners", "tier-"


@dataclass(frozen=True, slots=True)
class TierChoice:
    """A tier that may be chosen. `field` is the name of its box."""

    field: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class GroupFields:
    """All partners, or tiers of which there are none yet."""

    everybody: bool = False
    tiers: tuple[TierChoice, ...] = ()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the tiers that are chosen."""
        return tuple(one.name for one in self.tiers if one.chosen)


def group_fields(
    page_request: PageRequest,
    tiers: Collection[TierNamed],
    kept: PartnerGroups,
    typed: Mapping[str, str] | None = None,
) -> GroupFields:
    """As stored, or as typed where that was refused."""
    chosen = {f"{TIER}{one}" for one in kept.tier_ids} if typed is None else {*typed}
    everybody = kept.everybody if typed is None else EVERYBODY in typed
    return GroupFields(
        everybody,
        tuple(
            TierChoice(f"{TIER}{one.id}", page_request.pick(one.name, one.name_en), f"{TIER}{one.id}" in chosen)
            for one in tiers
        ),
    )


def groups_of(form: Form) -> PartnerGroups:
    """What was chosen. Raises NotFound(`partner_tier_not_found`)."""
    found: list[UUID] = []
    for name in form.values:
        if name.startswith(TIER):
            tier_id = parse_uuid(name.removeprefix(TIER))
            if tier_id is None:
                raise NotFound("partner_tier_not_found")
            found.append(tier_id)
    return PartnerGroups(EVERYBODY in form.values, tuple(found))
