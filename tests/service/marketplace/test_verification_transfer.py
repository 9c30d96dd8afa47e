"""A small transfer proves who an organization is, as a document does."""

from __future__ import annotations

import pytest

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.onboarding.models import LegalProof
from marketplace.onboarding.queries import find_document, get_checklist
from marketplace.onboarding.request_transfer import MOST_MINOR, request_transfer
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.tax_id_queries import get_verification
from marketplace.parties.models import Organization
from tests.factories_marketplace import OPERATOR_PRINCIPAL, Org, acting, hand_in_proof, make_org


@pytest.fixture
def org(uow: UnitOfWork) -> Org:
    """Who sells, and has proved nothing yet."""
    return make_org(uow, seller=True)


def ask(uow: UnitOfWork, org: Org) -> LegalProof:
    with acting(uow, org.owner):
        return request_transfer(uow, "CNY")


def decide(uow: UnitOfWork, proof: LegalProof, reason: str = "") -> None:
    with acting(uow, OPERATOR_PRINCIPAL):
        review_legal_proof(uow, ReviewLegalProof(proof.id, not reason, reason))


def test_it_verifies_once_it_has_arrived_and_does_the_sellers_step(uow: UnitOfWork, org: Org) -> None:
    proof = ask(uow, org)
    assert proof.transfer_minor is not None
    assert 1 <= proof.transfer_minor <= MOST_MINOR
    with acting(uow, org.owner):
        assert get_verification(uow).state == "waiting"
    decide(uow, proof)
    with acting(uow, org.owner):
        assert get_verification(uow).state == "verified"
        assert next(one for one in get_checklist(uow).steps if one.step == "legal").state == "done"
        with pytest.raises(Conflict, match="identity_verified"):
            request_transfer(uow, "CNY")


def test_asked_twice_it_is_the_same_and_refused_there_is_another(uow: UnitOfWork, org: Org) -> None:
    first = ask(uow, org)
    assert ask(uow, org).id == first.id
    decide(uow, first, "It came from another firm.")
    with acting(uow, org.owner):
        assert get_verification(uow).state == "rejected"
    second = ask(uow, org)
    assert (second.id != first.id, second.transfer_reference != first.transfer_reference) == (True, True)


def test_it_and_a_document_take_each_others_place(uow: UnitOfWork, org: Org) -> None:
    document = hand_in_proof(uow, org)
    transfer = ask(uow, org)
    assert (document.state, transfer.state) == ("superseded", "submitted")
    again = hand_in_proof(uow, org)
    assert (transfer.state, again.state) == ("superseded", "submitted")


def test_there_is_no_file_of_it(uow: UnitOfWork, org: Org) -> None:
    proof = ask(uow, org)
    with acting(uow, org.owner), pytest.raises(NotFound, match="legal_proof_not_found"):
        find_document(uow, proof.id)


def test_without_a_tax_id_there_is_nothing_to_prove(uow: UnitOfWork, org: Org) -> None:
    uow.session.get_one(Organization, org.id).tax_id = None
    uow.flush()
    with pytest.raises(Conflict, match="transfer_without_tax_id"):
        ask(uow, org)
