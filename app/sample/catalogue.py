"""The sample market's organizations, listings and videos, made through the product's own verbs.

Every step looks whether it has been done, so that a seeding that was interrupted is finished by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from app.sample.film_words import LANGUAGES, film_captions, film_chapters
from app.sample.organizations import OPERATOR, ORGANIZATIONS, PASSWORD, SampleOrganization, SamplePerson
from app.sample.outcome import SampleSignIn
from app.sample.products import FEATURE_KEYS, PRODUCTS, SampleProduct
from app.sample.scenes import Scene
from app.sample.scenes.facts import FilmClaim as SpokenClaim
from app.sample.seller_start import SellerStart
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.storage import Storage
from marketplace.access.add_operator import add_operator
from marketplace.access.add_person import NewPerson, find_person_id
from marketplace.access.members import AddMember, add_member
from marketplace.access.models import Member
from marketplace.access.permissions import OPERATOR as OPERATOR_PERMISSIONS
from marketplace.access.permissions import permissions_of
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.catalog.draft_listing import DraftListing, draft_listing
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.review_listing import ReviewListing, connect_plan, review_listing
from marketplace.catalog.submit_listing import submit_listing
from marketplace.channels.models import Channel
from marketplace.channels.open_channel import OpenChannel, open_channel
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from marketplace.publishing.edit_placements import AddClaim, AddPlacement, add_claim, add_placement
from marketplace.publishing.publish_video import publish_video
from marketplace.publishing.schedule_video import ScheduleVideo, schedule_video
from marketplace.videos.captions.check_captions import checked_captions
from marketplace.videos.captions.edit_captions import put_captions
from marketplace.videos.create_video import CreateVideo, create_video
from marketplace.videos.media.receive_media import ReceiveMedia, receive_media, upload_key
from marketplace.videos.models import Video, captions_key
from marketplace.videos.set_chapters import set_chapters

Connect = Callable[[Mapping[str, UUID]], Mapping[str, UUID]]
"""Sellers (key → organization) in, their connectors (key → id) out; fulfillment's part of the sample data."""
PostedAt = Callable[[str], datetime]
"""When the film of a scene was published."""
EXAMINED_WITHIN_S = 120.0
EXAMINED_AT_ONCE = 2
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What was made. `organizations` by key, `plans` and `videos` by scene."""

    organizations: Mapping[str, UUID]
    plans: Mapping[str, UUID]
    videos: Mapping[str, UUID]
    sign_ins: tuple[SampleSignIn, ...]


def seed_catalogue(
    start: SellerStart, scenes: Sequence[Scene], connect: Connect, posted_at: PostedAt | None = None
) -> Catalogue:
    """Fill the market. Jobs of videos must have been registered with the same storage; they run in this thread.

    `posted_at`: when each film was published, where that was not now.

    Raises:
        RuntimeError: a sample video was not found playable.
    """
    db, storage = start.db, start.storage
    owners = {wanted.key: transact(db, SYSTEM, make_organization(wanted)) for wanted in ORGANIZATIONS}
    transact(db, SYSTEM, _operator)
    sellers = {wanted.key: owners[wanted.key].organization() for wanted in ORGANIZATIONS if wanted.is_seller}
    connectors = connect(sellers)
    for key in sellers:
        start.finish(owners[key])
    plans = {
        product.scene: make_product(db, owners[product.seller], product, connectors[product.seller])
        for product in PRODUCTS
    }
    videos = _videos(db, storage, owners, {scene.key: scene for scene in scenes}, plans, posted_at)
    organizations = {key: owner.organization() for key, owner in owners.items()}
    return Catalogue(organizations, plans, videos, sign_ins())


def sign_ins() -> tuple[SampleSignIn, ...]:
    """Everybody who may sign in, for whoever starts the market."""
    found = [
        SampleSignIn(
            f"{wanted.who_en} {wanted.display_name}: {person.role}",
            f"{wanted.who_zh} {wanted.display_name}：{person.role_zh}",
            person.email,
            PASSWORD,
        )
        for wanted in ORGANIZATIONS
        for person in wanted.people
    ]
    return (*found, SampleSignIn("Platform operator", "平台运营", OPERATOR.email, PASSWORD))


def find_organization(uow: UnitOfWork, wanted: SampleOrganization) -> UUID | None:
    """Where it is there already. Somebody else may have named its tax identifier, which nobody has looked at yet."""
    return uow.session.scalar(
        select(Organization.id)
        .join(Member, Member.org_id == Organization.id)
        .where(Organization.tax_id == wanted.tax_id, Member.person_id == find_person_id(uow, wanted.people[0].email))
    )


def make_organization(wanted: SampleOrganization) -> Callable[[UnitOfWork], Principal]:
    """Register an organization with its people and channel; answers who acts for it."""

    def work(uow: UnitOfWork) -> Principal:
        owner = wanted.people[0]
        org_id = find_organization(uow, wanted)
        if org_id is None:
            made = register_organization(
                uow,
                RegisterOrganization(
                    legal_name=wanted.legal_name,
                    display_name=wanted.display_name,
                    country="CN",
                    tax_id=wanted.tax_id,
                    owner=_newcomer(owner),
                    locale=wanted.locale,
                    is_seller=wanted.is_seller,
                    address=wanted.address,
                    email=owner.email,
                ),
            )
            org_id = made.org_id
        principal = Principal(
            PrincipalKind.SYSTEM, org_id, find_person_id(uow, owner.email), permissions_of(["owner"]), "sample"
        )
        _as(uow, principal, lambda: _members_and_channel(uow, wanted))
        return principal

    return work


def _members_and_channel(uow: UnitOfWork, wanted: SampleOrganization) -> None:
    for person in wanted.people[1:]:
        if find_person_id(uow, person.email) is None:
            add_member(uow, AddMember(person.email, [person.role], person.name, PASSWORD, person.locale))
    if wanted.channel is not None:
        handle, name, name_en = wanted.channel
        if uow.session.scalar(select(Channel.id).where(Channel.handle == handle)) is None:
            open_channel(uow, OpenChannel(handle, name, name_en))


def _operator(uow: UnitOfWork) -> None:
    if find_person_id(uow, OPERATOR.email) is not None:
        return
    add_operator(uow, _newcomer(OPERATOR))


def make_product(db: Database, owner: Principal, product: SampleProduct, connector_id: UUID) -> UUID:
    """List a product, connected and reviewed; answers its plan."""

    def draft(uow: UnitOfWork) -> UUID:
        known = uow.session.scalar(
            select(Listing.id).where(Listing.org_id == owner.org_id, Listing.slug == product.slug)
        )
        if known is not None:
            return known
        command = DraftListing(product.kind, product.category, product.slug, product.text, (product.plan,))
        return draft_listing(uow, command).id

    def list_it(uow: UnitOfWork, listing_id: UUID) -> UUID:
        listing = uow.session.get_one(Listing, listing_id)
        plan = uow.session.scalars(
            select(Plan)
            .where(Plan.org_id == owner.org_id, Plan.listing_id == listing_id, Plan.state == "active")
            .order_by(Plan.created_at.desc())
            .limit(1)
        ).one()
        if plan.connector_id != connector_id:
            connect_plan(uow, plan.id, connector_id)
        if listing.state in {"draft", "in_review"}:
            submit_listing(uow, listing_id)
            operator = Principal(
                PrincipalKind.OPERATOR, org_id=PLATFORM_ORG_ID, permissions=OPERATOR_PERMISSIONS, label="sample"
            )
            _as(uow, operator, lambda: review_listing(uow, ReviewListing(listing_id, approve=True)))
        return plan.id

    listing_id = transact(db, owner, draft)
    return transact(db, owner, lambda uow: list_it(uow, listing_id))


def _videos(
    db: Database,
    storage: Storage,
    owners: Mapping[str, Principal],
    scenes: Mapping[str, Scene],
    plans: Mapping[str, UUID],
    posted_at: PostedAt | None,
) -> dict[str, UUID]:
    """Upload all, let all be examined side by side, then publish; the first product last, to stand first in the feed."""
    shown = [product for product in reversed(PRODUCTS) if product.scene in scenes]
    videos: dict[str, UUID] = {}
    for product in shown:
        with _posting(posted_at, product.scene):
            videos[product.scene] = upload(db, storage, owners[product.channel], product, scenes[product.scene])
    with _posting(posted_at, shown[-1].scene), ThreadPoolExecutor(max_workers=EXAMINED_AT_ONCE) as threads:
        for done in [threads.submit(drain, db, queues=("media",)) for _ in range(EXAMINED_AT_ONCE)]:
            done.result()
    for product in shown:
        owner, video_id = owners[product.channel], videos[product.scene]
        with _posting(posted_at, product.scene):
            await_examination(db, owner, video_id)
            _caption(db, storage, owner, video_id, scenes[product.scene])
            publish(db, owner, video_id, scenes[product.scene], plans[product.scene])
    return videos


def _posting(posted_at: PostedAt | None, scene: str) -> AbstractContextManager[None]:
    """At the time at which a film was published."""
    return clock.frozen(posted_at(scene)) if posted_at else nullcontext()


def upload(db: Database, storage: Storage, owner: Principal, product: SampleProduct, scene: Scene) -> UUID:
    """Upload a finished film to a channel, to be examined by a job; answers the video."""

    def begin(uow: UnitOfWork) -> tuple[UUID, str]:
        known = uow.session.scalar(select(Video).where(Video.org_id == owner.org_id, Video.title == scene.title_zh))
        if known is None:
            text = product.text
            known = create_video(uow, CreateVideo(None, scene.title_zh, scene.title_en, text.summary, text.summary_en))
        return known.id, known.state

    video_id, state = transact(db, owner, begin)
    if state in {"draft", "refused"}:
        stored = storage.put(upload_key(video_id), _chunks(scene.path))
        transact(db, owner, lambda uow: receive_media(uow, ReceiveMedia(video_id, stored, scene.path.name)))
    return video_id


def await_examination(db: Database, owner: Principal, video_id: UUID, queues: Sequence[str] = ("media",)) -> None:
    """Another process's worker may hold the job of an earlier seeding; its lease runs out by itself."""
    until = time.monotonic() + EXAMINED_WITHIN_S
    while time.monotonic() < until:
        state, code = transact(db, owner, lambda uow: _state(uow, video_id))
        if state == "refused":
            raise RuntimeError(f"a sample video was refused: {code}")
        if state != "processing":
            return
        drain(db, queues=queues)
        if transact(db, owner, lambda uow: _state(uow, video_id))[0] == "processing":
            time.sleep(0.5)
    raise RuntimeError("a sample video was not examined in time")


def _state(uow: UnitOfWork, video_id: UUID) -> tuple[str, str | None]:
    video = uow.session.get_one(Video, video_id)
    return video.state, video.refused_code


def publish(
    db: Database, owner: Principal, video_id: UUID, scene: Scene, plan_id: UUID, at: datetime | None = None
) -> None:
    """Give an examined video its card, promises and chapters, and publish it, or say at which time it will be."""

    def work(uow: UnitOfWork) -> None:
        video = uow.session.get_one(Video, video_id)
        if video.state != "ready":
            return
        start_ms, end_ms = scene.placement_ms
        until_ms = min(end_ms, video.duration_ms or end_ms)
        placement = add_placement(uow, AddPlacement(video_id, plan_id, start_ms, until_ms, "buy"))
        for claim in scene.claims:
            add_claim(uow, spoken(placement.id, scene.key, claim))
        set_chapters(uow, video_id, film_chapters(scene, video.duration_ms or scene.duration_ms))
        if at is None:
            publish_video(uow, video_id)
        else:
            uow.flush()
            schedule_video(uow, ScheduleVideo(video_id, at))

    transact(db, owner, work)


def _caption(db: Database, storage: Storage, owner: Principal, video_id: UUID, scene: Scene) -> None:
    """Let what is said in a film be read, in both languages."""
    for language in LANGUAGES:
        words = checked_captions(film_captions(scene, language).encode(), scene.duration_ms).encode()
        stored = storage.put_bytes(captions_key(video_id, sha256(words).hexdigest()), words)
        transact(db, owner, partial(put_captions, video_id=video_id, language=language, stored=stored))


def spoken(placement_id: UUID, scene: str, claim: SpokenClaim) -> AddClaim:
    """A scene's claim in the words of the catalogue."""
    at_ms, text, text_en = claim.second * 1000, claim.text_zh, claim.text_en
    number = claim.value if isinstance(claim.value, int) else None
    if claim.kind == "price":
        currency, _, unit = claim.unit.partition("/")
        return AddClaim(
            placement_id, "price", at_ms, text, text_en, value_int=number, currency=currency, unit=unit or "once"
        )
    if claim.kind == "seats":
        return AddClaim(placement_id, "included_seats", at_ms, text, text_en, value_int=number, unit=claim.unit)
    kind = "service_level" if claim.kind == "service_level" else "feature"
    key = FEATURE_KEYS.get((scene, claim.kind), str(claim.value))
    return AddClaim(placement_id, kind, at_ms, text, text_en, value_int=number, value_text=key, unit=claim.unit)


def _newcomer(person: SamplePerson) -> NewPerson:
    return NewPerson(person.email, person.name, PASSWORD, person.locale)


def _as(uow: UnitOfWork, principal: Principal, work: Callable[[], object]) -> None:
    """Let part of a platform unit of work be recorded as somebody's; row level security stays the platform's."""
    before = uow.principal
    uow.principal = principal
    try:
        work()
        uow.flush()
    finally:
        uow.principal = before


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
