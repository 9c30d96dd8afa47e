"""Versions of the share policy, as the operator drafts, tries out and publishes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.known_values import state_in
from api.request import ApiRequest
from api.schema import (
    KeyHeader,
    MoneyOut,
    Out,
    PageOut,
    Paging,
    StrictInt,
    UtcIn,
    Wire,
    idempotent_command,
    list_page,
    refused_unless_in,
)
from billing.shares.draft_policy import LONGEST_REASON, PERMISSION, SaveDraft, discard_draft, save_draft, start_draft
from billing.shares.models import SHARE_POLICY_VERSION
from billing.shares.policy_queries import PolicyVersionView, get_policy_version, list_policy_versions, version_view
from billing.shares.publish_policy import publish_policy
from billing.shares.rules import CATEGORIES, DEAL_TYPES, LONGEST_HOLD_DAYS, MOST_RULES, PolicyRule
from kernel.db.uow import UnitOfWork
from kernel.money import PPM
from orders.share_policy.simulate import SimulatedParty, Simulation, simulate_policy

READ = "operator.read"
Rate = Annotated[StrictInt, Field(ge=0, le=PPM, description="Parts per million of the line's net")]
Reason = Annotated[str, Field(max_length=LONGEST_REASON)]


class ShareRuleIn(Wire):
    """One rule. What is null is for all; the listing is of the rule's category."""

    category: Annotated[str, Field(max_length=20), refused_unless_in(CATEGORIES)]
    commission_ppm: Annotated[Rate, Field(examples=[150_000])]
    promoter_ppm: Annotated[Rate, Field(examples=[50_000])]
    hold_days: Annotated[StrictInt, Field(ge=0, le=LONGEST_HOLD_DAYS, examples=[7])]
    listing_id: UUID | None = None
    seller_id: UUID | None = None
    channel_id: UUID | None = Field(default=None, description="The channel whose video sold")
    deal_type: Annotated[str, Field(max_length=20), refused_unless_in(DEAL_TYPES)] | None = Field(
        default=None,
        description="`new`; `renewal`, bought again after it ended; `private_offer`. What renews by itself keeps its terms",
    )


class ShareDraftIn(Wire):
    """All that the draft is to say. `reason` is what changes and why, as the public reads it."""

    rules: Annotated[list[ShareRuleIn], Field(max_length=MOST_RULES)]
    reason: Reason = ""
    reason_en: Reason = ""

    def command(self) -> SaveDraft:
        """As the command takes it."""
        rules = tuple(PolicyRule(**rule.model_dump()) for rule in self.rules)
        return SaveDraft(rules, self.reason, self.reason_en)


class NewShareDraftIn(Wire):
    """Nothing: a new draft begins with the rules in force."""


class PublishIn(Wire):
    """From when on it is to apply; null: a minute from now, the soonest there is."""

    effective_at: UtcIn | None = None


class ShareRuleOut(Out):
    """One rule of a version."""

    category: str
    listing_id: UUID | None
    seller_id: UUID | None
    channel_id: UUID | None
    deal_type: str | None
    commission_ppm: int
    promoter_ppm: int
    hold_days: int


class ShareVersionOut(Out):
    """A version of the policy; a draft has neither number nor instants."""

    id: UUID
    state: Annotated[str, Meta(description="`draft`, `published` or `discarded`")]
    version: int | None
    reason: str
    reason_en: str
    rules: Sequence[ShareRuleOut]
    effective_at: datetime | None
    published_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: PolicyVersionView) -> ShareVersionOut:
        """From the query's row."""
        return cls.of_row(row, rules=[ShareRuleOut.of_row(rule) for rule in row.rules])


class SimulatedPartyOut(Out):
    """What a party got, and would get; without an organization: the sum of all in its role."""

    role: Annotated[str, Meta(description="`commission` (the platform), `promoter` or `seller`")]
    org_id: UUID | None
    name: str
    lines: int
    now: MoneyOut
    then: MoneyOut
    difference: MoneyOut

    @classmethod
    def of(cls, row: SimulatedParty) -> SimulatedPartyOut:
        """From the query's row."""
        return cls.of_row(row)


class SimulationOut(Out):
    """What the version would have made of the sales of the last whole quarter; `parties`: those that it changes most."""

    starts_on: date
    ends_on: Annotated[date, Meta(description="The first day after it")]
    sums: Sequence[SimulatedPartyOut]
    parties: Sequence[SimulatedPartyOut]

    @classmethod
    def of(cls, found: Simulation) -> SimulationOut:
        """From the query's answer."""
        sums, parties = ([SimulatedPartyOut.of(one) for one in rows] for rows in (found.sums, found.parties))
        return cls(starts_on=found.starts_on, ends_on=found.ends_on, sums=sums, parties=parties)


@get("/v1/operator/share-policies", permission=READ, sync_to_thread=True, tags=["operator"])
def list_share_policies(
    request: ApiRequest,
    paging: Given[Paging],
    only: Annotated[str | None, state_in(SHARE_POLICY_VERSION.states)] = None,
) -> Response[PageOut[ShareVersionOut]]:
    """Versions that were drafted here, the newest first. What is published, the first version too: `GET /v1/share-policy`."""
    return list_page(request, paging, list_policy_versions, ShareVersionOut.of, state=only)


@post("/v1/operator/share-policies", permission=PERMISSION, sync_to_thread=True, tags=["operator"])
def post_share_policy(
    data: JSONBody[NewShareDraftIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[ShareVersionOut]:
    """Begin a draft with the rules in force."""
    return idempotent_command(
        request, idempotency_key, data, lambda uow: ShareVersionOut.of(version_view(start_draft(uow)))
    )


@get(
    "/v1/operator/share-policies/{share_policy_version_id:uuid}",
    permission=READ,
    sync_to_thread=True,
    tags=["operator"],
)
def get_share_policy(share_policy_version_id: FromPath[UUID], request: ApiRequest) -> ShareVersionOut:
    """One version with its rules."""
    with request.transaction() as uow:
        return ShareVersionOut.of(get_policy_version(uow, share_policy_version_id))


@put(
    "/v1/operator/share-policies/{share_policy_version_id:uuid}",
    permission=PERMISSION,
    refuses=[409],
    sync_to_thread=True,
    tags=["operator"],
)
def put_share_policy(
    share_policy_version_id: FromPath[UUID], data: JSONBody[ShareDraftIn], request: ApiRequest
) -> ShareVersionOut:
    """Let the draft say this."""
    return _changed(request, lambda uow: save_draft(uow, share_policy_version_id, data.command()))


@post(
    "/v1/operator/share-policies/{share_policy_version_id:uuid}/publish",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["operator"],
)
def post_share_policy_publication(
    share_policy_version_id: FromPath[UUID], data: JSONBody[PublishIn], request: ApiRequest
) -> ShareVersionOut:
    """Publish the draft. It never changes from then on; what was ordered before it applies keeps its terms."""
    return _changed(request, lambda uow: publish_policy(uow, share_policy_version_id, data.effective_at))


@post(
    "/v1/operator/share-policies/{share_policy_version_id:uuid}/discard",
    permission=PERMISSION,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["operator"],
)
def post_share_policy_discard(share_policy_version_id: FromPath[UUID], request: ApiRequest) -> ShareVersionOut:
    """Let the draft be. Discarded already, nothing changes."""
    return _changed(request, lambda uow: discard_draft(uow, share_policy_version_id))


@get(
    "/v1/operator/share-policies/{share_policy_version_id:uuid}/simulation",
    permission=READ,
    refuses=[422],
    sync_to_thread=True,
    tags=["operator"],
)
def get_share_policy_simulation(share_policy_version_id: FromPath[UUID], request: ApiRequest) -> SimulationOut:
    """What it would have made of last quarter's sales, for every party. Nothing is changed."""
    with request.transaction() as uow:
        return SimulationOut.of(simulate_policy(uow, share_policy_version_id))


def _changed(request: ApiRequest, change: Any) -> ShareVersionOut:
    def work(uow: UnitOfWork) -> ShareVersionOut:
        return ShareVersionOut.of(version_view(change(uow)))

    return request.transact(work)


routes = [
    list_share_policies,
    post_share_policy,
    get_share_policy,
    put_share_policy,
    post_share_policy_publication,
    post_share_policy_discard,
    get_share_policy_simulation,
]
"""In the order of a version's life."""
