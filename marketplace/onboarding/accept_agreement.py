"""Somebody accepts the seller agreement for their organization."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from marketplace.input_text import line
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION, agreement_text
from marketplace.onboarding.checklist import lock_checklist, mark_done
from marketplace.onboarding.models import AgreementAcceptance


@dataclass(frozen=True, slots=True)
class AcceptAgreement:
    """Which version, in which language it was read, and who says yes."""

    version: str
    locale: str
    person_name: str


def accept_agreement(uow: UnitOfWork, command: AcceptAgreement) -> AgreementAcceptance:
    """Write the acceptance down. Accepted again, the first one stands.

    Raises:
        NotFound: `onboarding_not_found`.
        Invalid: `agreement_outdated`: another version is in force.
        Forbidden: `person_required`: a key accepts nothing.

    Emits: SellerOnboarded with the last step. Locks: the checklist.
    """
    person_id = uow.principal.person()
    if command.version != AGREEMENT_VERSION:
        raise Invalid("agreement_outdated", field="agreement_version", version=AGREEMENT_VERSION)
    checklist = lock_checklist(uow, uow.principal.organization())
    known = uow.session.scalar(
        select(AgreementAcceptance).where(
            AgreementAcceptance.org_id == checklist.org_id, AgreementAcceptance.version == command.version
        )
    )
    if known is not None:
        return known
    said = agreement_text(command.locale)
    row = AgreementAcceptance(
        id=uuid7(),
        org_id=checklist.org_id,
        version=said.version,
        locale=said.locale,
        text_sha256=said.sha256,
        accepted_by=person_id,
        accepted_name=line("name", command.person_name),
        created_at=clock.now(),
    )
    uow.session.add(row)
    checklist.agreement_version = said.version
    mark_done(uow, checklist, "agreement")
    return row
