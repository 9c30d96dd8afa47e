"""Organizations, people, listings and videos for tests, made through the product's own verbs.

Every factory takes a unit of work, acts as whoever would do it, and leaves the unit of work as it found it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from stdnum.cn import uscc

from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox
from kernel.storage import StoredObject
from marketplace.access.add_person import NewPerson
from marketplace.access.members import AddMember, add_member
from marketplace.access.permissions import OPERATOR, permissions_of
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.catalog.draft_listing import DraftListing, VersionText, draft_listing
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_terms import DraftPlan, Feature
from marketplace.catalog.review_listing import ReviewListing, review_listing
from marketplace.catalog.submit_listing import submit_listing
from marketplace.channels.models import Channel
from marketplace.channels.open_channel import OpenChannel, open_channel
from marketplace.onboarding.accept_agreement import AcceptAgreement, accept_agreement
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.onboarding.checklist import pass_connector_test
from marketplace.onboarding.confirm_tax import confirm_tax
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from marketplace.onboarding.submit_legal_proof import SubmitLegalProof, document_key, submit_legal_proof
from marketplace.parties.models import PLATFORM_ORG_ID
from marketplace.placements.models import Placement
from marketplace.pricing.components import Milestone, Milestones, PlanPrice
from marketplace.publishing.edit_placements import AddPlacement, add_placement
from marketplace.publishing.publish_video import publish_video
from marketplace.videos.create_video import CreateVideo, create_video
from marketplace.videos.models import VIDEO, Video

PASSWORD = "correct-horse-battery"
BOX = SecretBox({"k1": b"a sealing key of thirty-two bytes"[:32]})
OPERATOR_PRINCIPAL = Principal(
    PrincipalKind.OPERATOR, org_id=PLATFORM_ORG_ID, permissions=OPERATOR, label="test operator"
)
_BASE36 = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_numbers = count(1)


@dataclass(frozen=True)
class Org:
    """An organization and its owner's principal."""

    id: UUID
    owner: Principal
    email: str


@contextmanager
def acting(uow: UnitOfWork, principal: Principal) -> Iterator[UnitOfWork]:
    """Let a block run as `principal`, row level security included."""
    before = uow.principal
    _switch(uow, principal)
    try:
        yield uow
    finally:
        _switch(uow, before)


def _switch(uow: UnitOfWork, principal: Principal) -> None:
    # What is pending is written as who left it, before somebody else acts.
    uow.flush_outbox()
    uow.session.execute(
        text("SELECT set_config('app.org', :org, true), set_config('app.platform', :platform, true)"),
        {"org": str(principal.org_id or ""), "platform": "on" if principal.is_platform else ""},
    )
    uow.principal = principal


def new_tax_id() -> str:
    """A unified social credit code that no other test uses, with a right check digit."""
    number, digits = uuid7().int & 0xFFFFFFFF, ""
    while len(digits) < 8:
        number, rest = divmod(number, 31)
        digits += _BASE36[rest]
    base = f"91310000{digits[:8]}X"
    return base + str(uscc.calc_check_digit(base))


def make_org(uow: UnitOfWork, *, seller: bool = False, name: str = "", country: str = "CN", **more: Any) -> Org:
    """An organization with an owner; a seller's checklist is not done yet."""
    number = f"{next(_numbers)}-{uuid7().hex[-8:]}"
    email = f"owner-{number}@example.test"
    tax_id = new_tax_id() if country == "CN" else None
    with acting(uow, SYSTEM):
        registered = register_organization(
            uow,
            RegisterOrganization(
                legal_name=name or f"测试企业{number}有限公司",
                display_name=name or f"测试企业{number}",
                country=country,
                tax_id=more.pop("tax_id", tax_id),
                owner=NewPerson(email, "老板", PASSWORD),
                is_seller=seller,
                email=email,
                **more,
            ),
        )
    owner = Principal(PrincipalKind.PERSON, registered.org_id, registered.person_id, permissions_of(["owner"]), "owner")
    return Org(registered.org_id, owner, email)


def make_seller(uow: UnitOfWork, *, name: str = "", **more: Any) -> Org:
    """A seller whose checklist is done."""
    org = make_org(uow, seller=True, name=name, **more)
    proof = hand_in_proof(uow, org)
    with acting(uow, org.owner):
        confirm_tax(uow)
        save_payout_account(uow, bank_account(), BOX)
        accept_agreement(uow, AcceptAgreement(AGREEMENT_VERSION, "zh-CN", "老板"))
    with acting(uow, OPERATOR_PRINCIPAL):
        review_legal_proof(uow, ReviewLegalProof(proof.id, approve=True))
    with acting(uow, SYSTEM):
        pass_connector_test(uow, org.id)
    return org


def hand_in_proof(uow: UnitOfWork, org: Org) -> LegalProof:
    """A document that waits for review; its bytes are nowhere (upload one where bytes matter)."""
    stored = StoredObject(document_key(org.id), 1_000, uuid7().hex * 2)
    with acting(uow, org.owner):
        return submit_legal_proof(uow, SubmitLegalProof(stored, "application/pdf", "licence.pdf"))


def bank_account(**changes: Any) -> SavePayoutAccount:
    """A company's account at a Chinese bank."""
    values = {"currency": "CNY", "country": "CN", "holder": "测试有限公司", "bank_name": "测试银行"}
    values |= {"account": "6222 0202 0011 2233 445", "bank_code": "102100099996"}
    return SavePayoutAccount(**(values | changes))


def make_member(uow: UnitOfWork, org: Org, *roles: str) -> Principal:
    """Another person in the organization, with these roles."""
    email = f"member-{uuid7().hex[-12:]}@example.test"
    with acting(uow, org.owner):
        member = add_member(uow, AddMember(email, roles, "同事", PASSWORD))
    return Principal(PrincipalKind.PERSON, org.id, member.person_id, permissions_of(roles), email)


def per_seat_plan(**changes: Any) -> DraftPlan:
    """¥199 per seat and year, tax included, 20 seats included."""
    values: dict[str, Any] = {
        "code": "pro",
        "name": "专业版",
        "name_en": "Pro",
        "pricing": "per_seat",
        "interval": "year",
        "currency": "CNY",
        "unit_price_minor": 19_900,
        "min_seats": 1,
        "max_seats": 5_000,
        "included_seats": 20,
        "features": (Feature("full_export", "可导出全部数据", "Full export"),),
        "connector_id": uuid7(),
    }
    return DraftPlan(**(values | changes))


def one_off_plan(**changes: Any) -> DraftPlan:
    """A service for ¥12,800, tax included."""
    values: dict[str, Any] = {
        "code": "onsite",
        "name": "上门实施",
        "name_en": "On-site rollout",
        "pricing": "one_off",
        "interval": "none",
        "currency": "CNY",
        "unit_price_minor": 1_280_000,
        "features": (Feature("go_live_working_days", "10 个工作日上线", "Live in 10 working days", 10, "working_day"),),
        "connector_id": uuid7(),
    }
    return DraftPlan(**(values | changes))


def make_staged(uow: UnitOfWork, seller: Org, connector_id: UUID) -> Plan:
    """A service of the seller in three milestones of small change, each with its 300 days."""
    steps = tuple(
        Milestone(code=code, amount_minor=minor, days=300) for code, minor in zip("abc", (9_999, 1, 5), strict=True)
    )
    price = PlanPrice(
        currency="CNY", interval="none", term_months=0, components=(Milestones(kind="milestones", steps=steps),)
    )
    draft = DraftPlan("staged", "服务", "Service", connector_id=connector_id, price=price)
    return make_plans(uow, seller, draft, kind="service")[0]


def words(title: str = "招聘专业版") -> VersionText:
    """What a listing version says."""
    return VersionText(title, "Recruiting Pro", "一屏管完校招", "One screen", "说明", "Description")


def make_plans(
    uow: UnitOfWork, seller: Org, *plans: DraftPlan, kind: str = "saas", text: VersionText | None = None
) -> list[Plan]:
    """A published listing of the seller with these plans (by default one per-seat plan), in their order."""
    drafted: Sequence[DraftPlan] = plans or (per_seat_plan(),)
    with acting(uow, seller.owner):
        listing = draft_listing(uow, DraftListing(kind, "hr", f"listing-{uuid7().hex[-10:]}", text or words(), drafted))
        submit_listing(uow, listing.id)
    with acting(uow, OPERATOR_PRINCIPAL):
        version = review_listing(uow, ReviewListing(listing.id, approve=True))
        rows = {plan.code: plan for plan in uow.session.scalars(select(Plan).where(Plan.version_id == version.id))}
    return [rows[plan.code] for plan in drafted]


def make_channel(uow: UnitOfWork, org: Org) -> Channel:
    """A channel of the organization."""
    with acting(uow, org.owner):
        return open_channel(uow, OpenChannel(f"channel-{uuid7().hex[-10:]}", "频道", "Channel"))


def make_ready_video(
    uow: UnitOfWork,
    org: Org,
    *,
    visibility: str = "public",
    duration_ms: int = 14_000,
    channel: Channel | None = None,
    title: str = "用一块屏管完校招",
) -> Video:
    """A video whose examination is over; its bytes are nowhere (upload one where bytes matter)."""
    channel = channel or make_channel(uow, org)
    with acting(uow, org.owner):
        video = create_video(uow, CreateVideo(channel.id, title, "One screen", visibility=visibility))
        for state in ("processing", "ready"):
            VIDEO.move(uow, video, state, org_ids=[org.id])
        video.media_key, video.cover_key = f"media/{video.id}/none.mp4", f"media/{video.id}/none.jpg"
        video.media_sha256, video.media_bytes, video.media_type = "0" * 64, 1, "video/mp4"
        video.duration_ms, video.width, video.height = duration_ms, 720, 1280
        video.video_codec, video.audio_codec = "h264", "aac"
        uow.flush()
    return video


def make_published_video(
    uow: UnitOfWork,
    org: Org,
    plan: Plan,
    *,
    start_ms: int = 3_000,
    end_ms: int = 14_000,
    visibility: str = "public",
    channel: Channel | None = None,
    title: str = "用一块屏管完校招",
) -> tuple[Video, Placement]:
    """A published video of the organization with a card of the plan."""
    video = make_ready_video(uow, org, visibility=visibility, channel=channel, title=title)
    with acting(uow, org.owner):
        placement = add_placement(uow, AddPlacement(video.id, plan.id, start_ms, end_ms))
        publish_video(uow, video.id)
    return video, placement
