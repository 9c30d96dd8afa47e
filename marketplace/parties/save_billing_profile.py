"""An organization's invoice titles."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from marketplace.input_text import checked_email, line, optional_line
from marketplace.parties.models import BillingProfile
from marketplace.parties.places import MAX_ADDRESS, checked_country
from marketplace.parties.tax_ids import checked_tax_id


@dataclass(frozen=True, slots=True)
class SaveBillingProfile:
    """A profile to add (`id` None) or to change."""

    legal_name: str
    tax_id: str | None
    country: str
    address: str
    email: str
    bank_name: str | None = None
    bank_account: str | None = None
    is_default: bool = False
    id: UUID | None = None


def save_billing_profile(uow: UnitOfWork, command: SaveBillingProfile) -> BillingProfile:
    """Add or change a billing profile of the acting organization. Issued invoices keep their own copy.

    Raises:
        Invalid: `text_required`, `text_too_long`, `country_invalid`, `tax_id_required`, `tax_id_invalid`,
            `email_invalid`, `bank_account_invalid`.
        NotFound: `billing_profile_not_found`.
    """
    org_id = uow.principal.organization()
    country = checked_country(command.country)
    if command.id is None:
        row = BillingProfile(id=uuid7(), org_id=org_id, created_at=clock.now(), is_default=False)
    else:
        found = lock_row(uow.session, BillingProfile, command.id)
        if found is None or found.org_id != org_id:
            raise NotFound("billing_profile_not_found")
        row = found
    row.legal_name = line("legal_name", command.legal_name)
    row.tax_id = checked_tax_id(country, command.tax_id)
    row.country = country
    row.address = optional_line("address", command.address, MAX_ADDRESS)
    row.email = checked_email(command.email)
    row.bank_name = line("bank_name", command.bank_name) if command.bank_name else None
    if command.bank_account:
        row.bank_account_masked = masked(command.bank_account)
    if command.is_default and not row.is_default:
        uow.session.execute(
            update(BillingProfile)
            .where(BillingProfile.org_id == org_id, BillingProfile.is_default)
            .values(is_default=False)
            .execution_options(synchronize_session="fetch")
        )
        row.is_default = True
    uow.session.add(row)
    uow.flush()
    return row


def masked(account: str, *, field: str = "bank_account") -> str:
    """An account number as its last four digits: `•••• 6789`. Raises Invalid(`bank_account_invalid`)."""
    digits = "".join(character for character in account if character.isalnum())
    if not 8 <= len(digits) <= 34 or not digits.isascii():
        raise Invalid("bank_account_invalid", field=field)
    return f"•••• {digits[-4:]}"
