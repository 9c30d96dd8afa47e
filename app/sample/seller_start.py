"""Sample sellers finish their checklist as any seller does: a document, tax, a bank account, the agreement."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image
from sqlalchemy import select

from app.sample.scenes.drawing import LINE, MUTED, TEAL, WHITE, text
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.principal import Principal, PrincipalKind
from kernel.secrets import SecretBox
from kernel.storage import Storage, StoredObject
from marketplace.access.models import Person
from marketplace.access.permissions import OPERATOR as OPERATOR_PERMISSIONS
from marketplace.onboarding.accept_agreement import AcceptAgreement, accept_agreement
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.onboarding.checklist import pass_connector_test
from marketplace.onboarding.confirm_tax import confirm_tax
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.queries import get_checklist
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.save_payout_account import SavePayoutAccount, save_payout_account
from marketplace.onboarding.submit_legal_proof import SubmitLegalProof, document_key, submit_legal_proof
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

REVIEWER = Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID, permissions=OPERATOR_PERMISSIONS, label="sample")
ICBC_BRANCH = "102100099996"
"""A CNAPS number in the form of the Industrial and Commercial Bank of China's; nothing is ever sent there."""


@dataclass(frozen=True, slots=True)
class SellerStart:
    """What finishing a checklist takes."""

    db: Database
    storage: Storage
    box: SecretBox

    def finish(self, owner: Principal) -> None:
        """Do every step of the owner's organization that is missing."""
        organization, missing = transact(self.db, owner, _registered)
        if not missing:
            return
        stored = self._document(organization)
        transact(self.db, owner, lambda uow: self._steps(uow, owner, organization, stored))

    def prove(self, owner: Principal) -> None:
        """Show who the owner's organization is, unless the platform saw it: then sellers find it by its name."""
        organization = transact(self.db, owner, lambda uow: uow.session.get_one(Organization, owner.organization()))
        if organization.tax_id_verified_at is not None:
            return
        stored = self._document(organization)
        transact(self.db, owner, lambda uow: _approve(uow, owner, submit_legal_proof(uow, _proof(stored))))

    def _document(self, organization: Organization) -> StoredObject:
        picture = _licence(organization.legal_name, organization.tax_id or "")
        return self.storage.put_bytes(document_key(organization.id), picture)

    def _steps(self, uow: UnitOfWork, owner: Principal, organization: Organization, stored: StoredObject) -> None:
        proof = submit_legal_proof(uow, _proof(stored))
        confirm_tax(uow)
        account = SavePayoutAccount(
            "CNY", "CN", organization.legal_name, "中国工商银行", "6222020200112233445", ICBC_BRANCH
        )
        save_payout_account(uow, account, self.box)
        name = uow.session.scalar(select(Person.name).where(Person.id == owner.person()))
        accept_agreement(uow, AcceptAgreement(AGREEMENT_VERSION, organization.locale, name or "sample"))
        pass_connector_test(uow, organization.id)
        _approve(uow, owner, proof)


def _proof(stored: StoredObject) -> SubmitLegalProof:
    return SubmitLegalProof(stored, "image/png", "营业执照.png")


def _approve(uow: UnitOfWork, owner: Principal, proof: LegalProof) -> None:
    uow.flush()
    uow.principal = REVIEWER
    try:
        review_legal_proof(uow, ReviewLegalProof(proof.id, approve=True))
    finally:
        uow.principal = owner


def _registered(uow: UnitOfWork) -> tuple[Organization, tuple[str, ...]]:
    return uow.session.get_one(Organization, uow.principal.organization()), get_checklist(uow).missing


def _licence(legal_name: str, tax_id: str) -> bytes:
    """A picture that says that it is a sample."""
    canvas = Image.new("RGB", (1000, 640), WHITE)
    canvas.paste(LINE, (24, 24, 976, 616))
    canvas.paste(WHITE, (28, 28, 972, 612))
    lines = (("营业执照 · 样本 Sample", 44, TEAL), (legal_name, 32, (17, 26, 36)), (tax_id, 28, MUTED))
    for row, (words, size_px, colour) in enumerate(lines):
        text(words, size_px, colour).onto(canvas, 72, 96 + row * 120)
    written = io.BytesIO()
    canvas.save(written, "PNG")
    return written.getvalue()
