"""A test clock is made together with the test organization whose time it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid5

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from marketplace.access.api_keys import MintApiKey, list_api_keys, mint_api_key, revoke_api_key
from marketplace.access.models import MEMBER, Member
from marketplace.access.permissions import permissions_of
from marketplace.input_text import line
from marketplace.parties.models import ORGANIZATION, BillingProfile, Organization
from marketplace.test_clocks.models import TEST_CLOCK, TestClock
from marketplace.test_clocks.own_time import know

MANAGE = "keys.manage"
"""Who may make keys may make an organization to test with."""
MOST = 20
"""Of one organization at a time."""
MAX_NAME = 80
SCOPES = (
    "orders.buy",
    "orders.read",
    "invoices.read",
    "entitlements.read",
    "seats.assign",
    "trace.read",
    "webhooks.manage",
)
"""Of the key that comes with it: what a buyer's system does."""
_COPIED = ("party_type", "country", "address", "phone", "email", "recipient", "invoice_kind", "vat_status", "tax_id")


@dataclass(frozen=True, slots=True)
class CreatedTestClock:
    """The new clock; `key` acts for its organization and is shown once."""

    row: TestClock
    key: str = field(repr=False)


def create_test_clock(uow: UnitOfWork, name: str, clock_id: UUID | None = None) -> CreatedTestClock:
    """Make a test organization like the acting one, owned by whoever asks, whose time stands still from now on.

    `clock_id`: chosen by a form, which makes one clock however often it is sent; again, the key is a new one.

    Raises: Forbidden(`permission_missing`, `person_required`), Invalid `text_required`, `text_too_long`,
    Conflict `test_clocks_too_many`, `test_clock_within`. Locks: the acting organization.
    """
    uow.principal.require(MANAGE)
    org_id, person_id = uow.principal.organization(), uow.principal.accountable_id or uow.principal.person()
    given = line("name", name, MAX_NAME)
    if clock.own_time() is not None:
        raise Conflict("test_clock_within")
    (mother,) = lock_rows(uow.session, Organization, [org_id])
    if clock_id is not None and (known := _find_clock(uow, clock_id)) is not None:
        if known.org_id == org_id:
            return CreatedTestClock(known, _mint(uow, known))
        # A form that was opened for another of one's organizations makes one for this.
        clock_id = uuid5(clock_id, str(org_id))
        if (known := _find_clock(uow, clock_id)) is not None:
            return CreatedTestClock(known, _mint(uow, known))
    held = select(func.count()).where(TestClock.org_id == org_id, TestClock.state != "deleted")
    if (uow.session.scalar(held) or 0) >= MOST:
        raise Conflict("test_clocks_too_many", limit=MOST)
    now = clock.now()
    with as_platform(uow):
        made = _organization(uow, mother, given, person_id)
        row = TestClock(
            id=clock_id or uuid7(),
            org_id=org_id,
            test_org_id=made.id,
            name=given,
            started_at=now,
            present_at=now,
            made_by=person_id,
            created_at=now,
        )
        TEST_CLOCK.begin(uow, row, org_ids=[org_id])
        uow.session.add(row)
        uow.flush_outbox()
    uow.after_commit(lambda: know(made.id))
    return CreatedTestClock(row, _mint(uow, row))


def _find_clock(uow: UnitOfWork, clock_id: UUID) -> TestClock | None:
    """Whosever it is: an id is given once."""
    with as_platform(uow):
        return uow.session.get(TestClock, clock_id)


def replace_key(uow: UnitOfWork, clock_id: UUID) -> CreatedTestClock:
    """Another key that acts for the test organization; the former one is refused from now on.

    Raises: Forbidden(`permission_missing`), NotFound(`not_found`), Conflict `test_clock_deleted`. Locks: the clock.
    """
    row = lock_own_clock(uow, clock_id)
    if row.state in ("deleting", "deleted"):
        raise Conflict("test_clock_deleted")
    return CreatedTestClock(row, _mint(uow, row))


def lock_own_clock(uow: UnitOfWork, clock_id: UUID) -> TestClock:
    """A clock of the acting organization, locked. Raises Forbidden(`permission_missing`), NotFound(`not_found`)."""
    uow.principal.require(MANAGE)
    row = lock_row(uow.session, TestClock, clock_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("not_found")
    return row


def _mint(uow: UnitOfWork, row: TestClock) -> str:
    """The one key that is in use, made by whoever made the clock: they are the owner."""
    acting = uow.principal
    uow.act_as(Principal(PrincipalKind.PERSON, row.test_org_id, row.made_by, permissions_of(["owner"])))
    for key in list_api_keys(uow):
        if key.name == row.name and key.revoked_at is None:
            revoke_api_key(uow, key.id)
    minted = mint_api_key(uow, MintApiKey(row.name, SCOPES))
    uow.flush_outbox()
    uow.act_as(acting)
    return minted.text


def _organization(uow: UnitOfWork, mother: Organization, name: str, person_id: UUID) -> Organization:
    """Marked as a test in both its names, so that sellers see it wherever they see a buyer's. It claims no tax identifier."""
    now = clock.now()
    made = Organization(
        id=uuid7(),
        legal_name=f"{mother.legal_name} (TEST)",
        display_name=f"{name} (TEST)",
        country=mother.country,
        tax_id=None,
        locale=mother.locale,
        time_zone=mother.time_zone,
        industry=mother.industry,
        is_seller=False,
        is_platform=False,
        created_at=now,
    )
    ORGANIZATION.begin(uow, made, org_ids=[made.id])
    uow.session.add(made)
    uow.flush()
    member = Member(id=uuid7(), org_id=made.id, person_id=person_id, roles=["owner"], created_at=now)
    MEMBER.begin(uow, member, org_ids=[made.id])
    uow.session.add(member)
    usual = select(BillingProfile).where(BillingProfile.org_id == mother.id, BillingProfile.is_default)
    title = uow.session.scalars(usual).one_or_none()
    copied = {one: getattr(title, one) for one in _COPIED} if title else _no_title(mother)
    profile = BillingProfile(org_id=made.id, legal_name=made.legal_name, is_default=True, created_at=now, **copied)
    uow.session.add(profile)
    uow.flush()
    return made


def _no_title(mother: Organization) -> dict[str, str | None]:
    return {"country": mother.country, "tax_id": mother.tax_id, "address": "", "email": ""}
