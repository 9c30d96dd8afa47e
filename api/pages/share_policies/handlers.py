"""The share policy on pages: what is published, for anybody; drafts, what they would change, and publishing, for the operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, time
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.typed_numbers import typed_ppm, whole_number
from api.pages.share_policies import presenter
from api.pages.share_policies.views import (
    PublishedVersion,
    SharePolicyView,
    ShareRuleTyped,
    ShareVersionItem,
    ShareVersionsView,
    ShareVersionView,
)
from billing.shares.draft_policy import PERMISSION, SaveDraft, discard_draft, save_draft, start_draft
from billing.shares.policy_queries import (
    PolicyRow,
    PolicyVersionView,
    get_policy_version,
    list_policy_versions,
    published_policy,
    reasons_of,
)
from billing.shares.publish_policy import publish_policy
from billing.shares.rules import CATEGORIES, DEAL_TYPES, LONGEST_HOLD_DAYS, PolicyRule
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.channels.queries import get_channel
from orders.share_policy.simulate import simulate_policy

Answer = Response[str] | Response[bytes]
READ: Final = "operator.read"
PAGE: Final = 30
VERSION: Final = f"{addresses.policies.VERSIONS}/{{share_policy_version_id:uuid}}"


@page(addresses.policies.PUBLISHED, PUBLIC)
def show_published(page_request: Given[PageRequest]) -> Answer:
    """The rules in force, those that come, and those that were."""
    now = clock.now()
    with page_request.work() as uow:
        rows = published_policy(uow)
        begun = [row for row in rows if row.effective_at <= now]
        newest: dict[str, int] = {}
        for row in begun:
            newest.setdefault(row.category, row.version)
        current = [row for row in begun if newest[row.category] == row.version]
        said = reasons_of(uow, sorted({row.version for row in rows}))
        coming = [row for row in rows if row.effective_at > now]
        past = [row for row in begun if newest[row.category] != row.version]
        view = SharePolicyView(
            presenter.rule_items(page_request, uow, current),
            max((row.effective_at for row in current), default=None),
            max((row.version for row in current), default=None),
            _versions(page_request, uow, coming, said),
            _versions(page_request, uow, past, said),
            addresses.policies.VERSIONS if page_request.principal.may(READ) else "",
        )
    return page_request.render(view)


@page(addresses.policies.VERSIONS, READ)
def show_versions(page_request: Given[PageRequest]) -> Answer:
    """What was drafted, the newest first."""
    with page_request.work() as uow:
        found = list_policy_versions(uow, cursor=page_request.query("cursor", most=200) or None, limit=PAGE)
    rows = tuple(
        ShareVersionItem(
            addresses.policies.version(one.id),
            one.state,
            one.version,
            page_request.pick(one.reason, one.reason_en),
            len(one.rules),
            one.created_at,
            one.effective_at,
        )
        for one in found.items
    )
    more = addresses.next_page(addresses.policies.VERSIONS, found.next_cursor)
    return page_request.render(ShareVersionsView(rows, page_request.principal.may(PERMISSION), more))


@form_post(addresses.policies.VERSIONS, PERMISSION)
def start(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Begin a draft with the rules in force."""
    del form
    version_id = page_request.transact(lambda uow: start_draft(uow).id)
    return page_request.redirect(addresses.policies.version(version_id))


@page(VERSION, READ)
def show_version(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One with its rules; `simulate` asks what it would have made of last quarter."""
    view = _view(page_request, share_policy_version_id)
    if page_request.query("simulate"):
        try:
            with page_request.work() as uow:
                found = simulate_policy(uow, share_policy_version_id)
        except Invalid as refused:
            return page_request.render(replace(view, error=failure(page_request, refused)), status=refused.status)
        view = replace(view, simulated=presenter.simulated(found))
    return page_request.render(view)


@form_post(f"{VERSION}/rules", PERMISSION)
def put_rule(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Put a rule in the place of that which is for the same, or beside the others."""
    typed = ShareRuleTyped(**{one.name: form.values.get(one.name, "")[:200] for one in fields(ShareRuleTyped)})

    def work(uow: UnitOfWork) -> None:
        rule = _rule(uow, typed)
        draft = get_policy_version(uow, share_policy_version_id)
        others = tuple(one for one in draft.rules if one.scope != rule.scope)
        save_draft(uow, share_policy_version_id, SaveDraft((*others, rule), draft.reason, draft.reason_en))

    return _done(page_request, share_policy_version_id, work, "share_policy_saved", typed)


@form_post(f"{VERSION}/rules/remove", PERMISSION)
def remove_rule(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a rule out. `place`: its place among those that were shown."""

    def work(uow: UnitOfWork) -> None:
        draft = get_policy_version(uow, share_policy_version_id)
        place = form.number("place", most=max(len(draft.rules) - 1, 0))
        left = draft.rules[:place] + draft.rules[place + 1 :]
        save_draft(uow, share_policy_version_id, SaveDraft(left, draft.reason, draft.reason_en))

    return _done(page_request, share_policy_version_id, work, "share_policy_saved")


@form_post(f"{VERSION}/reason", PERMISSION)
def save_reason(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """What changes and why."""

    def work(uow: UnitOfWork) -> None:
        draft = get_policy_version(uow, share_policy_version_id)
        said = SaveDraft(draft.rules, form.text("reason", most=1_000), form.text("reason_en", most=1_000))
        save_draft(uow, share_policy_version_id, said)

    return _done(page_request, share_policy_version_id, work, "share_policy_saved")


@form_post(f"{VERSION}/publish", PERMISSION)
def publish(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Publish it, from the beginning of a day on, or as soon as it may be. Pressed twice, it is published."""

    def work(uow: UnitOfWork) -> None:
        publish_policy(uow, share_policy_version_id, _midnight(page_request, form.text("effective_on", most=10)))

    return _done(page_request, share_policy_version_id, work, "share_policy_published")


@form_post(f"{VERSION}/discard", PERMISSION)
def discard(share_policy_version_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let the draft be. Pressed twice, it is discarded."""
    del form
    return _done(
        page_request,
        share_policy_version_id,
        lambda uow: discard_draft(uow, share_policy_version_id),
        "share_policy_discarded",
    )


def _done(
    page_request: PageRequest,
    version_id: UUID,
    work: Callable[[UnitOfWork], object],
    notice: str,
    typed: ShareRuleTyped | None = None,
) -> Answer:
    try:
        page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        said, named = failure(page_request, refused), getattr(refused, "field", None) or ""
        view = replace(_view(page_request, version_id), error=said, error_field=named, typed=typed or ShareRuleTyped())
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.policies.version(version_id), notice=notice)


def _view(page_request: PageRequest, version_id: UUID) -> ShareVersionView:
    with page_request.work() as uow:
        one: PolicyVersionView = get_policy_version(uow, version_id)
        rules = presenter.rule_items(page_request, uow, one.rules)
    may = page_request.principal.may(PERMISSION)
    return ShareVersionView(
        id=str(one.id),
        state=one.state,
        version=one.version,
        reason=one.reason,
        reason_en=one.reason_en,
        rules=rules,
        effective_at=one.effective_at,
        published_at=one.published_at,
        may_write=may and one.state == "draft",
        categories=tuple(Choice(name, page_request.t(f"share_policy.category.{name}")) for name in CATEGORIES),
        deal_types=(
            Choice("", page_request.t("share_policy.every_deal")),
            *(Choice(name, page_request.t(f"share_policy.deal.{name}")) for name in DEAL_TYPES),
        ),
    )


def _versions(
    page_request: PageRequest, uow: UnitOfWork, rows: list[PolicyRow], said: dict[int, tuple[str, str]]
) -> tuple[PublishedVersion, ...]:
    found: dict[int, list[PolicyRow]] = {}
    for row in rows:
        found.setdefault(row.version, []).append(row)
    return tuple(
        PublishedVersion(
            version,
            of_it[0].effective_at,
            page_request.pick(*said.get(version, ("", ""))),
            presenter.rule_items(page_request, uow, of_it),
        )
        for version, of_it in found.items()
    )


def _rule(uow: UnitOfWork, typed: ShareRuleTyped) -> PolicyRule:
    return PolicyRule(
        category=typed.category,
        commission_ppm=typed_ppm(typed.commission, "commission"),
        promoter_ppm=typed_ppm(typed.promoter, "promoter"),
        hold_days=whole_number(typed.hold_days, field="hold_days", most=LONGEST_HOLD_DAYS),
        listing_id=_id(typed.listing, "listing"),
        seller_id=_id(typed.seller, "seller"),
        channel_id=_channel(uow, typed.channel),
        deal_type=typed.deal_type or None,
    )


def _id(typed: str, field: str) -> UUID | None:
    try:
        return presenter.id_in(typed)
    except ValueError as error:
        raise Invalid("share_rule_unknown", field=field) from error


def _channel(uow: UnitOfWork, typed: str) -> UUID | None:
    """By its handle, or its address."""
    handle = typed.strip().rstrip("/").rsplit("/", 1)[-1].removeprefix("@")
    if not handle:
        return None
    try:
        return get_channel(uow, handle).id
    except NotFound as error:
        raise Invalid("share_rule_unknown", field="channel") from error


def _midnight(page_request: PageRequest, typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        day = datetime.strptime(typed, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, made an instant of the reader's zone below
    except ValueError as error:
        raise Invalid("validation_failed", field="effective_on") from error
    return datetime.combine(day, time(), ZoneInfo(page_request.time_zone))


routes = [
    show_published,
    show_versions,
    start,
    show_version,
    put_rule,
    remove_rule,
    save_reason,
    publish,
    discard,
]
