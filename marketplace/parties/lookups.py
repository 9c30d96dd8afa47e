"""Parties and their billing profiles as contracts and invoices name them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Boolean, Uuid, bindparam, case, or_, select

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.parties.models import BillingProfile, Organization
from marketplace.parties.viewer import viewer


@dataclass(frozen=True, slots=True)
class Party:
    """An organization as a contract or an invoice names it."""

    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    locale: str
    time_zone: str
    is_seller: bool
    is_platform: bool


@dataclass(frozen=True, slots=True)
class InvoiceTitle:
    """A billing profile (发票抬头)."""

    id: UUID
    org_id: UUID
    legal_name: str
    tax_id: str | None
    country: str
    address: str
    bank_name: str | None
    bank_account_masked: str | None
    email: str
    is_default: bool
    party_type: str = "organization"
    phone: str = ""
    recipient: str = ""
    invoice_kind: str = "ordinary"
    vat_status: str | None = None
    is_retired: bool = False
    registered_in: str | None = None
    """The organization's own country, where it was asked for: the title may name another."""
    street: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    """The address in its parts; all empty where only `address` is known."""
    monthly_invoice: bool = False
    """Whether its orders come on one invoice a month."""


_PARTY = Read(
    select(Organization).where(
        Organization.id == bindparam("org_id"),
        or_(
            bindparam("platform", type_=Boolean),
            Organization.id == bindparam("own_id", type_=Uuid),
            Organization.is_seller,
            Organization.is_platform,
        ),
    )
)


def ask_party(uow: UnitOfWork, org_id: UUID) -> None:
    """Ask ahead for `get_party`."""
    uow.ask_ahead(_PARTY, org_id=org_id, **viewer(uow.principal))


def get_party(uow: UnitOfWork, org_id: UUID) -> Party:
    """An organization's legal identity. Raises NotFound(`organization_not_found`).

    Sellers and the platform are known to everybody; a buyer only to itself and to the platform.
    """
    held = uow.held(Organization, org_id)
    # A seller whose listing was read here came with it.
    known = held if held is not None and (held.is_seller or held.is_platform) else None
    found: Organization | None = known or uow.find(_PARTY, org_id=org_id, **viewer(uow.principal))
    if found is None:
        raise NotFound("organization_not_found")
    return _to_party(found)


def _to_party(row: Organization) -> Party:
    return Party(
        row.id,
        row.legal_name,
        row.display_name,
        row.country,
        row.tax_id,
        row.locale,
        row.time_zone,
        row.is_seller,
        row.is_platform,
    )


_IS_OWN_PROFILE = or_(bindparam("platform", type_=Boolean), BillingProfile.org_id == bindparam("own_id", type_=Uuid))


_PROFILE = Read(
    select(BillingProfile, Organization.country)
    .join(Organization, Organization.id == BillingProfile.org_id)
    .where(BillingProfile.id == bindparam("profile_id"), _IS_OWN_PROFILE),
    lasting=True,
)


_DEFAULT_PROFILE = Read(
    select(BillingProfile).where(
        BillingProfile.org_id == bindparam("org_id"), BillingProfile.is_default, _IS_OWN_PROFILE
    )
)


def ask_billing_profile(uow: UnitOfWork, profile_id: UUID) -> None:
    """Ask ahead for `get_billing_profile`."""
    uow.ask_ahead(_PROFILE, profile_id=profile_id, **viewer(uow.principal))


def get_billing_profile(uow: UnitOfWork, profile_id: UUID) -> InvoiceTitle:
    """One of the acting organization's billing profiles, for a document to come.

    Raises: NotFound(`billing_profile_not_found`), Conflict(`billing_profile_retired`).
    """
    if not uow.principal.is_platform:
        uow.principal.organization()
    found = uow.find(_PROFILE, profile_id=profile_id, **viewer(uow.principal))
    if found is None:
        raise NotFound("billing_profile_not_found")
    return _in_use(to_invoice_title(found[0], registered_in=found[1]))


def find_default_billing_profile(uow: UnitOfWork, org_id: UUID) -> InvoiceTitle | None:
    """The organization's default billing profile, if it has one and the principal may see it."""
    found: BillingProfile | None = uow.find(_DEFAULT_PROFILE, org_id=org_id, **viewer(uow.principal))
    return to_invoice_title(found) if found else None


_INVOICED = Read(
    select(Organization, BillingProfile)
    .join(
        BillingProfile,
        (BillingProfile.org_id == Organization.id)
        & case(
            (bindparam("profile_id", type_=Uuid).is_(None), BillingProfile.is_default),
            else_=BillingProfile.id == bindparam("profile_id", type_=Uuid),
        ),
        isouter=True,
    )
    .where(Organization.id == bindparam("org_id"))
)


def ask_invoiced(uow: UnitOfWork, profile_id: UUID | None) -> None:
    """Ask ahead for `get_invoiced`."""
    uow.ask_ahead(_INVOICED, org_id=uow.principal.organization(), profile_id=profile_id)


def get_invoiced(uow: UnitOfWork, profile_id: UUID | None) -> InvoiceTitle | Party:
    """Whom an invoice of the acting organization names: this profile, else its default one, else itself when it has none.

    Raises: NotFound(`billing_profile_not_found`), Conflict(`billing_profile_retired`).
    """
    organization, profile = uow.find(_INVOICED, org_id=uow.principal.organization(), profile_id=profile_id)
    if profile is not None:
        return _in_use(to_invoice_title(profile, registered_in=organization.country))
    if profile_id is not None:
        raise NotFound("billing_profile_not_found")
    return _to_party(organization)


def _in_use(title: InvoiceTitle) -> InvoiceTitle:
    if title.is_retired:
        raise Conflict("billing_profile_retired", party=title.legal_name)
    return title


def to_invoice_title(row: BillingProfile, *, registered_in: str | None = None) -> InvoiceTitle:
    """A billing profile's row as a frozen value."""
    return InvoiceTitle(
        row.id,
        row.org_id,
        row.legal_name,
        row.tax_id,
        row.country,
        row.address,
        row.bank_name,
        row.bank_account_masked,
        row.email,
        row.is_default,
        row.party_type,
        row.phone,
        row.recipient,
        row.invoice_kind,
        row.vat_status,
        row.retired_at is not None,
        registered_in,
        row.street,
        row.city,
        row.post_code,
        row.subdivision,
        row.monthly_invoice,
    )
