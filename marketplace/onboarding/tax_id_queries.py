"""Reads of who claims which tax identifier: the acting organization's own standing, and the disputes of the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, bounded, cut, decode
from kernel.states import state_in
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.queries import LegalProofView, to_proof_view
from marketplace.parties.models import Organization, TaxIdDispute
from marketplace.parties.open_tax_id_dispute import UNDECIDED

VerificationState = Literal["missing", "unverified", "waiting", "rejected", "verified"]


@dataclass(frozen=True, slots=True)
class Verification:
    """How the acting organization's identity stands. It never says whether somebody else claims the same identifier."""

    org_id: UUID
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None
    state: VerificationState
    verified_at: datetime | None
    proof: LegalProofView | None
    """The latest document."""


@dataclass(frozen=True, slots=True)
class ClaimantView:
    """One of the organizations that claim an identifier, with its latest document."""

    org_id: UUID
    legal_name: str
    display_name: str
    is_seller: bool
    registered_at: datetime
    verified_at: datetime | None
    proof: LegalProofView | None


@dataclass(frozen=True, slots=True)
class DisputeView:
    """An identifier that several organizations claim, or claimed when it was decided; the first registered first."""

    id: UUID
    country: str
    tax_id: str
    state: str
    reason: str
    winner_id: UUID | None
    created_at: datetime
    asked_at: datetime | None
    decided_at: datetime | None
    claimants: tuple[ClaimantView, ...]


_SHOWN = and_(LegalProof.org_id == Organization.id, LegalProof.state != "superseded")


def get_verification(uow: UnitOfWork) -> Verification:
    """The acting organization's own. Raises NotFound(`organization_not_found`)."""
    found = uow.session.execute(
        select(Organization, LegalProof)
        .outerjoin(LegalProof, _SHOWN)
        .where(Organization.id == uow.principal.organization())
        .order_by(LegalProof.created_at.desc(), LegalProof.id.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotFound("organization_not_found")
    row, proof = found
    return Verification(
        org_id=row.id,
        legal_name=row.legal_name,
        display_name=row.display_name,
        country=row.country,
        tax_id=row.tax_id,
        state=_state(row, proof),
        verified_at=row.tax_id_verified_at,
        proof=to_proof_view(proof) if proof is not None else None,
    )


def _state(row: Organization, proof: LegalProof | None) -> VerificationState:
    if row.tax_id_verified_at is not None:
        return "verified"
    if row.tax_id is None:
        return "missing"
    if proof is not None and proof.tax_id == row.tax_id and proof.state in ("submitted", "rejected"):
        return "waiting" if proof.state == "submitted" else "rejected"
    return "unverified"


# ── the platform's own ───────────────────────────────────────────────────────────────────────────────────────────────


def list_tax_id_disputes(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[DisputeView]:
    """What is not decided, the oldest first."""
    uow.principal.require("operator.reviews")
    statement = select(TaxIdDispute).where(state_in(TaxIdDispute.state, *UNDECIDED))
    keys = TaxIdDispute.created_at, TaxIdDispute.id
    if cursor:
        statement = statement.where(tuple_(*keys) > tuple_(*decode(cursor)))
    rows = uow.session.scalars(statement.order_by(*keys).limit(bounded(limit) + 1)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_views(uow, page.items), page.next_cursor)


def count_tax_id_disputes(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    uow.principal.require("operator.reviews")
    count, oldest = uow.session.execute(
        select(func.count(), func.min(TaxIdDispute.created_at)).where(state_in(TaxIdDispute.state, *UNDECIDED))
    ).one()
    return count, oldest


def get_tax_id_dispute(uow: UnitOfWork, dispute_id: UUID) -> DisputeView:
    """One, in any state. Raises NotFound(`tax_id_dispute_not_found`)."""
    uow.principal.require("operator.reviews")
    row = uow.session.get(TaxIdDispute, dispute_id)
    if row is None:
        raise NotFound("tax_id_dispute_not_found")
    return _views(uow, [row])[0]


def _views(uow: UnitOfWork, rows: Sequence[TaxIdDispute]) -> list[DisputeView]:
    """With everybody who claims what is not decided, and claimed what is, in one read for all of them."""
    ids = {org_id for row in rows if row.decided_at is not None for org_id in row.party_ids}
    claimed = [(row.country, row.tax_id) for row in rows if row.decided_at is None]
    statement = (
        select(Organization, LegalProof)
        .outerjoin(LegalProof, _SHOWN)
        .where(or_(Organization.id.in_(ids), tuple_(Organization.country, Organization.tax_id).in_(claimed)))
        .ext(distinct_on(Organization.created_at, Organization.id))
        .order_by(Organization.created_at, Organization.id, LegalProof.created_at.desc(), LegalProof.id.desc())
    )
    found = uow.session.execute(statement).all()
    return [_view(row, [(one, proof) for one, proof in found if _is_party(row, one)]) for row in rows]


def _is_party(row: TaxIdDispute, organization: Organization) -> bool:
    if row.decided_at is not None:
        return organization.id in row.party_ids
    return (organization.country, organization.tax_id) == (row.country, row.tax_id)


def _view(row: TaxIdDispute, parties: Sequence[tuple[Organization, LegalProof | None]]) -> DisputeView:
    names = [name for name in DisputeView.__dataclass_fields__ if name != "claimants"]
    return DisputeView(
        **{name: getattr(row, name) for name in names},
        claimants=tuple(
            ClaimantView(
                one.id,
                one.legal_name,
                one.display_name,
                one.is_seller,
                one.created_at,
                one.tax_id_verified_at,
                to_proof_view(proof) if proof is not None else None,
            )
            for one, proof in parties
        ),
    )
