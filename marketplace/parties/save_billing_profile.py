"""An organization's invoice titles: added, changed, made the default, retired and taken up again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.input_text import checked_email, line, optional_line
from marketplace.parties.models import BillingProfile, Organization
from marketplace.parties.places import MAX_ADDRESS, checked_country
from marketplace.parties.postal_address import ADDRESS_PARTS, PostalAddress, checked_address
from marketplace.parties.require_company import require_company
from marketplace.parties.tax_ids import checked_tax_id

PartyType = Literal["organization", "person"]
InvoiceKind = Literal["ordinary", "special"]
VatStatus = Literal["general", "small_scale"]
_SAID = (
    "party_type",
    "legal_name",
    "tax_id",
    "country",
    "address",
    *ADDRESS_PARTS,
    "phone",
    "bank_name",
    "bank_account_masked",
    "email",
    "recipient",
    "invoice_kind",
    "vat_status",
)
"""What a profile says; two that say the same are one."""
_PHONE = re.compile(r"\+?[0-9 ()/.-]{5,30}(?:(?:ext\.?|转|#) ?[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class SaveBillingProfile:
    """A profile to add (`id` None) or to change. An empty `bank_account` keeps the one that was given before."""

    legal_name: str
    tax_id: str | None
    country: str
    address: str
    email: str
    bank_name: str | None = None
    bank_account: str | None = None
    is_default: bool = False
    id: UUID | None = None
    party_type: PartyType = "organization"
    phone: str = ""
    recipient: str = ""
    invoice_kind: InvoiceKind = "ordinary"
    vat_status: VatStatus | None = None
    street: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""
    """The address in its parts, which then are what `address` says."""
    monthly_invoice: bool | None = None
    """Whether orders come on one invoice a month; None: as it is, for a new profile each on its own."""


def save_billing_profile(uow: UnitOfWork, command: SaveBillingProfile) -> BillingProfile:
    """Add or change a billing profile of the acting organization. Issued invoices keep their own copy.

    One that is the same as one in use is not added a second time: that one is the answer.

    Raises:
        Invalid: `text_required`, `text_too_long`, `country_invalid`, those of `checked_tax_id`, `email_invalid`,
            `phone_invalid`, `bank_account_invalid`, `address_city_required`, `bank_name_required`, `special_invoice_refused`.
        NotFound: `billing_profile_not_found`. Conflict: `billing_profile_retired`, `circle_is_no_company`.

    Locks: the profile; to add one, the organization.
    """
    org_id = uow.principal.organization()
    require_company(uow)
    country = checked_country(command.country)
    is_person, is_chinese = command.party_type == "person", country == "CN"
    if command.id is None:
        row = BillingProfile(id=uuid7(), org_id=org_id, created_at=clock.now(), is_default=False, retired_at=None)
        row.monthly_invoice = False
    else:
        row = _lock_profile(uow, command.id)
        _require_in_use(row)
    row.party_type = command.party_type
    row.legal_name = line("legal_name", command.legal_name)
    row.tax_id = checked_tax_id(country, command.tax_id, of_person=is_person)
    row.country = country
    set_address(row, command.address, PostalAddress(*(getattr(command, name) for name in ADDRESS_PARTS)))
    row.phone = _phone(command.phone)
    row.email = checked_email(command.email)
    row.recipient = optional_line("recipient", command.recipient, 100)
    if is_chinese and command.invoice_kind == "special" and (is_person or command.vat_status == "small_scale"):
        raise Invalid("special_invoice_refused", field="invoice_kind")
    row.invoice_kind = command.invoice_kind if is_chinese else "ordinary"
    row.vat_status = command.vat_status if is_chinese and not is_person else None
    _set_bank(row, command)
    if command.id is None:
        row = _same(uow, row) or row
    if command.monthly_invoice is not None:
        row.monthly_invoice = command.monthly_invoice
    if command.is_default and not row.is_default:
        _unset_default(uow, org_id)
        row.is_default = True
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "billing_profile.saved", subject_id=row.id)
    return row


def _same(uow: UnitOfWork, wanted: BillingProfile) -> BillingProfile | None:
    """One in use that says all that `wanted` says, the bank's account by what is shown of it."""
    lock_row(uow.session, Organization, wanted.org_id)
    alike = (getattr(BillingProfile, name).is_not_distinct_from(getattr(wanted, name)) for name in _SAID)
    found = select(BillingProfile).where(
        BillingProfile.org_id == wanted.org_id, BillingProfile.retired_at.is_(None), *alike
    )
    return uow.session.scalars(found.order_by(BillingProfile.created_at).limit(1)).first()


def choose_default_billing_profile(uow: UnitOfWork, profile_id: UUID) -> BillingProfile:
    """Make a profile the one that is used where none is named.

    Raises:
        NotFound: `billing_profile_not_found`.
        Conflict: `billing_profile_retired`; `billing_profile_default_changed`: somebody else has just chosen another.

    Locks: the profile.
    """
    row = _lock_profile(uow, profile_id)
    _require_in_use(row)
    if not row.is_default:
        _unset_default(uow, row.org_id)
        row.is_default = True
        uow.flush()
        audit.record(uow, "billing_profile.made_default", subject_id=row.id)
    return row


def retire_billing_profile(uow: UnitOfWork, profile_id: UUID) -> BillingProfile:
    """Offer a profile no more. What was bought with it, and every invoice, keeps its own copy. Done again, it stays retired.

    Raises:
        NotFound: `billing_profile_not_found`. Conflict: `billing_profile_is_default`: choose another default first.

    Locks: the profile.
    """
    row = _lock_profile(uow, profile_id)
    if row.is_default:
        raise Conflict("billing_profile_is_default")
    if row.retired_at is None:
        row.retired_at = clock.now()
        uow.flush()
        audit.record(uow, "billing_profile.retired", subject_id=row.id)
    return row


def restore_billing_profile(uow: UnitOfWork, profile_id: UUID) -> BillingProfile:
    """Offer a retired profile again. Raises NotFound(`billing_profile_not_found`). Locks: the profile."""
    row = _lock_profile(uow, profile_id)
    if row.retired_at is not None:
        row.retired_at = None
        uow.flush()
        audit.record(uow, "billing_profile.restored", subject_id=row.id)
    return row


def masked(account: str, *, field: str = "bank_account") -> str:
    """An account number as its last four digits: `•••• 6789`. Raises Invalid(`bank_account_invalid`)."""
    digits = "".join(character for character in account if character.isalnum())
    if not 8 <= len(digits) <= 34 or not digits.isascii():
        raise Invalid("bank_account_invalid", field=field)
    return f"•••• {digits[-4:]}"


def set_address(row: BillingProfile, typed: str, parts: PostalAddress) -> None:
    """The parts where there are any; else the line as it was typed, of which no parts are guessed.

    Raises: Invalid(`text_too_long`, `address_city_required`).
    """
    parts = checked_address(parts)
    for name in ADDRESS_PARTS:
        setattr(row, name, getattr(parts, name))
    row.address = parts.on_one_line(row.country) if parts.is_given else optional_line("address", typed, MAX_ADDRESS)


def _set_bank(row: BillingProfile, command: SaveBillingProfile) -> None:
    """Bank and account belong together: without a bank there is no account, and a new one names its bank."""
    if not command.bank_name:
        if command.bank_account:
            raise Invalid("bank_name_required", field="bank_name")
        row.bank_name = row.bank_account_masked = None
        return
    row.bank_name = line("bank_name", command.bank_name)
    if command.bank_account:
        row.bank_account_masked = masked(command.bank_account)


def _phone(text: str) -> str:
    cleaned = optional_line("phone", text, 40)
    if cleaned and not _PHONE.fullmatch(cleaned):
        raise Invalid("phone_invalid", field="phone")
    return cleaned


def _unset_default(uow: UnitOfWork, org_id: UUID) -> None:
    uow.session.execute(
        update(BillingProfile)
        .where(BillingProfile.org_id == org_id, BillingProfile.is_default)
        .values(is_default=False)
        .execution_options(synchronize_session="fetch")
    )


def _lock_profile(uow: UnitOfWork, profile_id: UUID) -> BillingProfile:
    found = lock_row(uow.session, BillingProfile, profile_id)
    if found is None or found.org_id != uow.principal.organization():
        raise NotFound("billing_profile_not_found")
    return found


def _require_in_use(row: BillingProfile) -> None:
    if row.retired_at is not None:
        raise Conflict("billing_profile_retired", party=row.legal_name)
