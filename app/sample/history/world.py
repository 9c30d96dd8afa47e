"""Who and what a market's past is about, found by names; what was found is remembered for the rest of the process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from app.sample.catalogue import find_organization
from app.sample.history.clips import CLIPS
from app.sample.history.component_products import COMPONENT_PRODUCTS
from app.sample.history.participants import NEWCOMERS
from app.sample.history.products import MORE_PRODUCTS
from app.sample.organizations import OPERATOR, ORGANIZATIONS, SampleOrganization
from app.sample.products import COURSE, PRODUCTS
from app.sample.scenes.facts import STORIES
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.access.add_person import find_person_id
from marketplace.access.permissions import OPERATOR as OPERATOR_PERMISSIONS
from marketplace.access.permissions import permissions_of
from marketplace.catalog.models import Listing, Plan
from marketplace.parties.models import PLATFORM_ORG_ID, BillingProfile
from marketplace.placements.models import Placement
from marketplace.videos.models import Video

PARTICIPANTS = {wanted.key: wanted for wanted in (*ORGANIZATIONS, *NEWCOMERS)}
ALL_PRODUCTS = {product.scene: product for product in (*PRODUCTS, COURSE, *MORE_PRODUCTS, *COMPONENT_PRODUCTS)}


@dataclass(frozen=True, slots=True)
class Film:
    """A published video: its id, its card and when that shows."""

    video_id: UUID
    placement_id: UUID
    start_ms: int
    end_ms: int


class World:
    """Looks up the participants, plans and videos of one database: the first, where people have added others of the name."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # Once each: nothing of it changes.
        self.org_id = cache(self._org_id)
        self.plan_id = cache(self._plan_id)
        self.film = cache(self._film)
        self.profile_id = cache(self._profile_id)
        self.purchaser = cache(lambda buyer: self._person(buyer, ("purchaser", "owner")))
        self.approver = cache(lambda buyer: self._person(buyer, ("approver", "owner")))
        self.chief = cache(lambda key: self._person(key, ("owner",)))
        self.somebody = cache(lambda key, role: self._person(key, (role,)))
        self.seller = cache(lambda product: self.chief(ALL_PRODUCTS[product].seller))
        self.listing_id = cache(self._listing_id)

    @cached_property
    def operator(self) -> Principal:
        """The platform's operator."""
        person_id = transact(self._db, SYSTEM, lambda uow: find_person_id(uow, OPERATOR.email))
        return Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID, person_id, OPERATOR_PERMISSIONS)

    def owner(self, key: str) -> Principal:
        """An organization's own work, done for it as the rest of the sample data is."""
        email = PARTICIPANTS[key].people[0].email
        person_id = transact(self._db, SYSTEM, lambda uow: find_person_id(uow, email))
        return Principal(PrincipalKind.SYSTEM, self.org_id(key), person_id, permissions_of(["owner"]), "sample")

    def _person(self, key: str, roles: tuple[str, ...]) -> Principal:
        people = {person.role: person.email for person in PARTICIPANTS[key].people}
        role = next(role for role in roles if role in people)
        person_id = transact(self._db, SYSTEM, lambda uow: find_person_id(uow, people[role]))
        return Principal(PrincipalKind.PERSON, self.org_id(key), person_id, permissions_of([role]))

    def _org_id(self, key: str) -> UUID:
        found = transact(self._db, SYSTEM, lambda uow: find_organization(uow, PARTICIPANTS[key]))
        if found is None:
            raise NoResultFound(key)
        return found

    def _plan_id(self, scene: str) -> UUID:
        product = ALL_PRODUCTS[scene]
        return self._one(
            select(Plan.id)
            .join(Listing, Listing.id == Plan.listing_id)
            .where(Listing.slug == product.slug, Listing.org_id == self.org_id(product.seller), Plan.state == "active")
            .order_by(Plan.id)
            .limit(1)
        )

    def _listing_id(self, scene: str) -> UUID:
        product = ALL_PRODUCTS[scene]
        own = Listing.org_id == self.org_id(product.seller)
        return self._one(select(Listing.id).where(Listing.slug == product.slug, own))

    def _profile_id(self, key: str) -> UUID:
        return self._one(
            select(BillingProfile.id).where(BillingProfile.org_id == self.org_id(key), BillingProfile.is_default)
        )

    def _film(self, clip: str) -> Film:
        channel, title = next((c.channel, c.title_zh) for c in _FILMS if c.key == clip)
        row = transact(
            self._db,
            SYSTEM,
            lambda uow: uow.session.execute(
                select(Video.id, Placement.id, Placement.start_ms, Placement.end_ms)
                .join(Placement, Placement.video_id == Video.id)
                .where(Video.org_id == self.org_id(channel), Video.title == title)
                .order_by(Placement.id)
                .limit(1)
            ).one(),
        )
        return Film(*row)

    def has_film(self, clip: str) -> bool:
        """Whether the film was posted with its card: what a person did meanwhile may have kept it out."""
        try:
            self.film(clip)
        except NoResultFound:
            return False
        return True

    def _one(self, statement: object) -> UUID:
        def find(uow: UnitOfWork) -> UUID:
            found: UUID = uow.session.scalars(statement).one()  # type: ignore[call-overload]  # a select of one column
            return found

        return transact(self._db, SYSTEM, find)


@dataclass(frozen=True, slots=True)
class _FilmName:
    key: str
    channel: str
    title_zh: str


_FILMS = (
    *(_FilmName(clip.key, clip.channel, clip.title_zh) for clip in CLIPS),
    *(_FilmName(product.scene, product.channel, story.title_zh) for product in PRODUCTS for story in STORIES
      if story.key == product.scene),
)  # fmt: skip


def participant(key: str) -> SampleOrganization:
    """An organization of the sample market by its key."""
    return PARTICIPANTS[key]
