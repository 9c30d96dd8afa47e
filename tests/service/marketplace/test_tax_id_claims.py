"""Whose a tax identifier is: anybody claims one, a document verifies it, and the platform decides where several do."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from kernel.audit import AuditEntry
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.models import Member
from marketplace.onboarding.change_tax_id import change_tax_id
from marketplace.onboarding.confirm_tax import confirm_tax
from marketplace.onboarding.decide_tax_id_dispute import DecideTaxIdDispute, Decision, decide_tax_id_dispute
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.queries import get_checklist
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.tax_id_queries import (
    count_tax_id_disputes,
    get_tax_id_dispute,
    get_verification,
    list_tax_id_disputes,
)
from marketplace.parties.models import BillingProfile, Organization, TaxIdDispute
from marketplace.parties.open_tax_id_dispute import compare_claims
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    hand_in_proof,
    make_org,
    make_seller,
    new_tax_id,
)


def claims(uow: UnitOfWork, tax_id: str, *, seller: bool = False) -> Org:
    """A newcomer that says this identifier is its own."""
    org = make_org(uow, seller=seller, tax_id=tax_id)
    compare(uow, org)
    return org


def compare(uow: UnitOfWork, org: Org) -> None:
    """What follows a claim, in the test's own transaction."""
    with acting(uow, SYSTEM):
        compare_claims(uow, {"org_id": str(org.id)})


def correct(uow: UnitOfWork, org: Org, tax_id: str) -> None:
    with acting(uow, org.owner):
        change_tax_id(uow, tax_id)
    compare(uow, org)


def review(uow: UnitOfWork, proof: LegalProof, reason: str = "") -> None:
    with acting(uow, OPERATOR_PRINCIPAL):
        review_legal_proof(uow, ReviewLegalProof(proof.id, not reason, reason))


def dispute_of(uow: UnitOfWork, tax_id: str) -> TaxIdDispute | None:
    return uow.session.scalar(
        select(TaxIdDispute).where(TaxIdDispute.tax_id == tax_id).order_by(TaxIdDispute.created_at.desc()).limit(1)
    )


def decide(
    uow: UnitOfWork, tax_id: str, decision: Decision, org: Org | None = None, reason: str = "Compared."
) -> TaxIdDispute:
    row = dispute_of(uow, tax_id)
    assert row is not None
    with acting(uow, OPERATOR_PRINCIPAL):
        return decide_tax_id_dispute(uow, DecideTaxIdDispute(row.id, decision, org.id if org else None, reason))


def state(uow: UnitOfWork, org: Org) -> str:
    with acting(uow, org.owner):
        return get_verification(uow).state


class TestVerification:
    def test_a_document_that_is_approved_verifies_a_buyer_too(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        assert state(uow, org) == "unverified"
        first = hand_in_proof(uow, org)
        assert state(uow, org) == "waiting"
        review(uow, first, "Not legible.")
        assert state(uow, org) == "rejected"
        review(uow, hand_in_proof(uow, org))
        assert state(uow, org) == "verified"

    def test_a_seller_is_verified_by_its_start(self, uow: UnitOfWork) -> None:
        assert state(uow, make_seller(uow)) == "verified"

    def test_a_document_proves_what_was_registered_when_it_was_handed_in(self, uow: UnitOfWork) -> None:
        seller = make_org(uow, seller=True, country="US")
        proof = hand_in_proof(uow, seller)
        with acting(uow, seller.owner):
            confirm_tax(uow, "12-3456789")
        review(uow, proof)
        assert state(uow, seller) == "unverified"
        with acting(uow, seller.owner):
            assert "legal" not in get_checklist(uow).missing

    def test_a_correction_asks_for_another_document_and_is_on_the_invoice_title(self, uow: UnitOfWork) -> None:
        org, other = make_org(uow), new_tax_id()
        proof = hand_in_proof(uow, org)
        correct(uow, org, other)
        assert proof.state == "superseded"
        assert state(uow, org) == "unverified"
        title = select(BillingProfile.tax_id).where(BillingProfile.org_id == org.id)
        assert uow.session.scalars(title).all() == [other]
        with pytest.raises(Conflict, match="legal_proof_decided"):
            review(uow, proof)

    def test_what_is_verified_stays(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        review(uow, hand_in_proof(uow, org))
        with acting(uow, org.owner):
            change_tax_id(uow, get_verification(uow).tax_id or "")
            with pytest.raises(Conflict, match="tax_id_verified"):
                change_tax_id(uow, new_tax_id())

    def test_a_wrong_one_is_refused_with_the_reason(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner), pytest.raises(Invalid, match="tax_id_check_digit"):
            change_tax_id(uow, "91310000000000000A")


class TestDispute:
    def test_a_second_claimant_opens_one_and_loses_nothing(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first = claims(uow, tax_id)
        assert dispute_of(uow, tax_id) is None
        second, third = claims(uow, tax_id), claims(uow, tax_id)
        row = dispute_of(uow, tax_id)
        assert row is not None
        with acting(uow, OPERATOR_PRINCIPAL):
            shown = get_tax_id_dispute(uow, row.id)
            assert [one.org_id for one in shown.claimants] == [first.id, second.id, third.id]
            assert row.id in {one.id for one in list_tax_id_disputes(uow, limit=100).items}
            assert count_tax_id_disputes(uow)[0] >= 1
        assert {state(uow, org) for org in (first, second, third)} == {"unverified"}
        one_only = select(func.count()).select_from(TaxIdDispute).where(TaxIdDispute.tax_id == tax_id)
        assert uow.session.scalar(one_only) == 1

    def test_the_same_number_in_another_country_is_another_identifier(self, uow: UnitOfWork) -> None:
        for country in ("US", "CA"):
            compare(uow, make_org(uow, country=country, tax_id="12-3456789"))
        assert dispute_of(uow, "12-3456789") is None

    def test_a_correction_and_a_first_identifier_are_claims_too(self, uow: UnitOfWork) -> None:
        tax_id, other = new_tax_id(), make_org(uow)
        claims(uow, tax_id)
        correct(uow, other, tax_id)
        assert dispute_of(uow, tax_id) is not None

    def test_one_is_verified_and_no_other_while_it_is(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, second = claims(uow, tax_id), claims(uow, tax_id)
        proofs = [hand_in_proof(uow, first), hand_in_proof(uow, second)]
        review(uow, proofs[1])
        with pytest.raises(Conflict, match="tax_id_verified_elsewhere"), uow.session.begin_nested():
            review(uow, proofs[0])
        uow.session.expire_all()
        assert (state(uow, first), state(uow, second)) == ("waiting", "verified")

    @pytest.mark.parametrize("place", ["first", "second"])
    def test_settled_the_holder_is_verified_and_the_others_keep_all_but_the_identifier(
        self, uow: UnitOfWork, place: str
    ) -> None:
        tax_id = new_tax_id()
        parties = [claims(uow, tax_id, seller=True), claims(uow, tax_id, seller=True)]
        winner, loser = parties if place == "first" else parties[::-1]
        proofs = {org.id: hand_in_proof(uow, org) for org in parties}
        review(uow, proofs[parties[0].id])
        row = decide(uow, tax_id, "settle", winner, "The licence names the other company.")
        assert (row.state, row.winner_id, set(row.party_ids)) == ("settled", winner.id, {one.id for one in parties})
        assert (state(uow, winner), state(uow, loser)) == ("verified", "missing")
        assert uow.session.get_one(Organization, loser.id).state == "active"
        roles = select(Member.roles).where(Member.org_id == loser.id, Member.state == "active")
        assert uow.session.scalars(roles).all() == [["owner"]]
        with acting(uow, loser.owner):
            assert {"legal", "tax"} <= set(get_checklist(uow).missing)
        if place == "first":
            assert (proofs[loser.id].state, proofs[loser.id].reason) == ("rejected", row.reason)
        correct(uow, loser, new_tax_id())
        assert state(uow, loser) == "unverified"
        entries = select(AuditEntry.action).where(AuditEntry.subject_id.in_([winner.id, loser.id, row.id]))
        assert {"organization.tax_id_taken_away", "tax_id_dispute.decided", "organization.tax_id_verified"} <= set(
            uow.session.scalars(entries)
        )

    def test_nobody_wins_without_a_document(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, second = claims(uow, tax_id), claims(uow, tax_id)
        with pytest.raises(Conflict, match="dispute_evidence_missing"), uow.session.begin_nested():
            decide(uow, tax_id, "settle", first)
        uow.session.expire_all()
        review(uow, hand_in_proof(uow, first), "Not legible.")
        with pytest.raises(Conflict, match="dispute_evidence_missing"), uow.session.begin_nested():
            decide(uow, tax_id, "settle", first)
        uow.session.expire_all()
        assert state(uow, second) == "unverified"

    def test_asked_for_documents_it_stays_until_it_is_decided(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, _ = claims(uow, tax_id), claims(uow, tax_id)
        for _ in range(2):
            assert decide(uow, tax_id, "ask_evidence").state == "evidence_asked"
        hand_in_proof(uow, first)
        assert decide(uow, tax_id, "settle", first).state == "settled"

    def test_dismissed_nothing_changes_and_a_newcomer_opens_another(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, second = claims(uow, tax_id), claims(uow, tax_id)
        assert decide(uow, tax_id, "dismiss").state == "dismissed"
        assert {state(uow, org) for org in (first, second)} == {"unverified"}
        with pytest.raises(Conflict, match="tax_id_dispute_decided"):
            decide(uow, tax_id, "settle", first)
        claims(uow, tax_id)
        reopened = dispute_of(uow, tax_id)
        assert reopened is not None
        assert reopened.state == "open"

    def test_only_who_claims_it_can_win_and_the_reason_is_said(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, _ = claims(uow, tax_id), claims(uow, tax_id)
        hand_in_proof(uow, first)
        with pytest.raises(Invalid, match="dispute_party_invalid"), uow.session.begin_nested():
            decide(uow, tax_id, "settle", make_org(uow))
        uow.session.expire_all()
        with pytest.raises(Invalid, match="text_required"), uow.session.begin_nested():
            decide(uow, tax_id, "settle", first, " ")

    def test_only_reviewers_see_and_decide(self, uow: UnitOfWork) -> None:
        tax_id = new_tax_id()
        first, _ = claims(uow, tax_id), claims(uow, tax_id)
        row = dispute_of(uow, tax_id)
        assert row is not None
        with acting(uow, first.owner):
            for work in (
                lambda: list_tax_id_disputes(uow),
                lambda: count_tax_id_disputes(uow),
                lambda: get_tax_id_dispute(uow, row.id),
                lambda: decide_tax_id_dispute(uow, DecideTaxIdDispute(row.id, "settle", first.id, "Mine.")),
            ):
                with pytest.raises(Forbidden, match="permission_missing"):
                    work()
        with acting(uow, OPERATOR_PRINCIPAL), pytest.raises(NotFound, match="tax_id_dispute_not_found"):
            decide_tax_id_dispute(uow, DecideTaxIdDispute(uuid7(), "dismiss", None, "x"))

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(st.tuples(st.sampled_from(("claim", "hand_in", "approve", "settle", "ask")), st.integers(0, 2)))
    )
    def test_whatever_happens_one_holder_at_most_and_nobody_undecided_without_a_dispute(
        self, uow: UnitOfWork, steps: list[tuple[str, int]]
    ) -> None:
        tax_id = new_tax_id()
        orgs = [make_org(uow) for _ in range(3)]
        for step, which in steps:
            org = orgs[which]
            try:
                with uow.session.begin_nested():
                    _do(uow, step, org, tax_id)
            except DomainError:
                uow.session.expire_all()
        same = select(Organization).where(Organization.country == "CN", Organization.tax_id == tax_id)
        rows = uow.session.scalars(same.execution_options(populate_existing=True)).all()
        assert sum(row.tax_id_verified_at is not None for row in rows) <= 1
        found = dispute_of(uow, tax_id)
        assert len(rows) < 2 or (found is not None and found.state in ("open", "evidence_asked"))


def _do(uow: UnitOfWork, step: str, org: Org, tax_id: str) -> None:
    if step == "claim":
        correct(uow, org, tax_id)
    elif step == "hand_in":
        hand_in_proof(uow, org)
    elif step == "approve":
        waiting = select(LegalProof).where(LegalProof.org_id == org.id, LegalProof.state == "submitted")
        if (proof := uow.session.scalar(waiting)) is not None:
            review(uow, proof)
    elif dispute_of(uow, tax_id) is not None:
        decide(uow, tax_id, "settle" if step == "settle" else "ask_evidence", org)
