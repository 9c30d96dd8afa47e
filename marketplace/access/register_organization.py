"""An organization joins, with its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.add_person import NewPerson, add_person
from marketplace.access.models import MEMBER, Member, Person
from marketplace.input_text import checked_email, line
from marketplace.onboarding.models import SellerOnboarding
from marketplace.parties.events import OrganizationRegistered, TaxIdClaimed
from marketplace.parties.models import ORGANIZATION, BillingProfile, Organization
from marketplace.parties.places import checked_country, checked_time_zone
from marketplace.parties.postal_address import ADDRESS_PARTS, PostalAddress
from marketplace.parties.save_billing_profile import set_address
from marketplace.parties.tax_ids import checked_tax_id

LOCALES = ("zh-CN", "en")
SENT_AGAIN = timedelta(minutes=10)
"""For how long the same form is taken for one that was sent before."""


@dataclass(frozen=True, slots=True)
class RegisterOrganization:
    """What is said at registration. `owner` is a person id, or somebody new for the platform's own seeding."""

    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    owner: UUID | NewPerson | None = None
    locale: str = "zh-CN"
    time_zone: str = "Asia/Shanghai"
    industry: str | None = None
    is_seller: bool = False
    address: str = ""
    email: str = ""
    """Where invoices go; may be given later."""
    street: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    """The address in its parts, which then are what `address` says."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The new organization and its owner."""

    org_id: UUID
    person_id: UUID


def register_organization(uow: UnitOfWork, command: RegisterOrganization) -> Registered:
    """Create the organization, its owner's membership, its first billing profile and, for sellers, the checklist.

    The unit of work is the platform's own (`authenticate.DOOR`): there is no organization yet to act for.

    Raises:
        Invalid: `text_required`, `text_too_long`, `country_invalid`, `locale_invalid`, `time_zone_invalid`,
            `tax_id_required`, `tax_id_invalid`, `email_invalid`, `address_city_required`, and those of `add_person`.
        Conflict: `email_taken`.

    Whether somebody else has the tax identifier changes nothing in the answer: `open_tax_id_dispute` looks into it.

    What the same person has just registered is not registered again: the back button sends a form twice.

    Emits: OrganizationRegistered, TaxIdClaimed. Locks: the person.
    """
    country = checked_country(command.country)
    if command.locale not in LOCALES:
        raise Invalid("locale_invalid", field="locale")
    tax_id = checked_tax_id(country, command.tax_id)
    if command.owner is None:
        raise Forbidden("person_required")
    person_id = command.owner if isinstance(command.owner, UUID) else add_person(uow, command.owner).id
    known_id = _just_registered(uow, person_id, command, tax_id)
    if known_id is not None:
        return Registered(known_id, person_id)
    organization = Organization(
        id=uuid7(),
        legal_name=line("legal_name", command.legal_name),
        display_name=line("display_name", command.display_name),
        country=country,
        tax_id=tax_id,
        locale=command.locale,
        time_zone=checked_time_zone(command.time_zone),
        industry=command.industry,
        is_seller=command.is_seller,
        is_platform=False,
        created_at=clock.now(),
    )
    ORGANIZATION.begin(uow, organization, org_ids=[organization.id])
    uow.session.add(organization)
    uow.flush()
    member = Member(id=uuid7(), org_id=organization.id, person_id=person_id, roles=["owner"], created_at=clock.now())
    MEMBER.begin(uow, member, org_ids=[organization.id])
    uow.session.add(member)
    uow.session.add(_first_profile(organization, command))
    if command.is_seller:
        uow.session.add(SellerOnboarding(org_id=organization.id, created_at=clock.now()))
    emit(uow, OrganizationRegistered(org_id=organization.id, owner_person_id=person_id, is_seller=command.is_seller))
    if tax_id is not None:
        emit(uow, TaxIdClaimed(org_id=organization.id))
    uow.flush()
    return Registered(organization.id, person_id)


def _first_profile(organization: Organization, command: RegisterOrganization) -> BillingProfile:
    profile = BillingProfile(
        org_id=organization.id,
        legal_name=organization.legal_name,
        tax_id=organization.tax_id,
        country=organization.country,
        email=checked_email(command.email) if command.email else "",
        is_default=True,
        created_at=clock.now(),
    )
    set_address(profile, command.address, PostalAddress(*(getattr(command, name) for name in ADDRESS_PARTS)))
    return profile


def _just_registered(
    uow: UnitOfWork, person_id: UUID, command: RegisterOrganization, tax_id: str | None
) -> UUID | None:
    lock_row(uow.session, Person, person_id)
    return uow.session.scalar(
        select(Organization.id)
        .join(Member, Member.org_id == Organization.id)
        .where(
            Member.person_id == person_id,
            Member.roles == ["owner"],
            Member.state == "active",
            Organization.legal_name == line("legal_name", command.legal_name),
            Organization.country == command.country,
            Organization.tax_id.is_not_distinct_from(tax_id),
            Organization.is_seller == command.is_seller,
            Organization.created_at > clock.now() - SENT_AGAIN,
        )
        .limit(1)
    )
