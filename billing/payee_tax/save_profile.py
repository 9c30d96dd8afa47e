"""State who is paid, for the tax authorities. Somebody of the payee does it; a change is another row."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from billing.payee_tax.models import PayeeTaxProfile
from billing.payee_tax.profile_rules import PayeeTaxFacts, checked_facts
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.secrets import SecretBox, SecretUnreadable
from marketplace.parties.places import checked_country


def save_payee_tax_profile(uow: UnitOfWork, facts: PayeeTaxFacts, box: SecretBox) -> PayeeTaxProfile:
    """Let this be what the acting organization states about itself from now on. The same again changes nothing; without an
    identifier the one that is stored stays, where its kind does.

    Raises:
        Forbidden: `permission_missing` without billing.manage.
        Invalid: `country_invalid`; `payee_choice_unknown`, `payee_us_form`, `payee_us_classification`, `payee_tin_kind`,
            `payee_tin_invalid`.
        Conflict: `payee_tax_profile_changed`: somebody else changed it at the same moment.

    Locks: the present statement.
    """
    uow.principal.require("billing.manage")
    org_id = uow.principal.organization()
    current = _locked(uow, org_id)
    known = _said(current, box)
    facts = replace(facts, residence_country=checked_country(facts.residence_country, field="residence_country"))
    if not facts.tin.strip():
        if known is None or known.tin_kind != facts.tin_kind:
            raise Invalid("payee_tin_invalid", field="tin")
        facts = replace(facts, tin=known.tin)
    facts = checked_facts(facts)
    if current is not None and known == facts:
        return current
    now = clock.now()
    row = PayeeTaxProfile(
        id=uuid7(),
        org_id=org_id,
        payee_type=facts.payee_type,
        residence_country=facts.residence_country,
        us_form=facts.us_form or None,
        us_classification=facts.us_classification or None,
        tin_kind=facts.tin_kind,
        tin_last4=facts.tin[-4:],
        vat_status=facts.vat_status,
        stated_by=uow.principal.accountable_id,
        created_at=now,
    )
    row.tin_sealed = box.seal(facts.tin.encode(), _context(row))
    if current is not None:
        current.replaced_at = now
        uow.flush()
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "payee_tax_profile.saved", subject_id=row.id, country=row.residence_country)
    return row


def open_tin(row: PayeeTaxProfile, box: SecretBox) -> str:
    """The identifier, whole."""
    return box.open(row.tin_sealed, _context(row)).decode()


def _locked(uow: UnitOfWork, org_id: UUID) -> PayeeTaxProfile | None:
    statement = (
        select(PayeeTaxProfile)
        .where(PayeeTaxProfile.org_id == org_id, PayeeTaxProfile.replaced_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    # Whoever waited for a replacement finds the old row replaced and the new one only when it looks again.
    return uow.session.scalar(statement) or uow.session.scalar(statement)


def _said(row: PayeeTaxProfile | None, box: SecretBox) -> PayeeTaxFacts | None:
    """What is stored, to be compared; None when its key was lost: then whatever is said is new."""
    if row is None:
        return None
    try:
        tin = open_tin(row, box)
    except SecretUnreadable:
        return None
    return PayeeTaxFacts(
        row.payee_type,
        row.residence_country,
        row.tin_kind,
        tin,
        row.us_form or "",
        row.us_classification or "",
        row.vat_status,
    )


def _context(row: PayeeTaxProfile) -> str:
    """What the identifier is sealed to: its own row, and the organization it belongs to."""
    return f"payee_tax_profile:{row.org_id}:{row.id}"
