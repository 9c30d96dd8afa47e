"""A seller's start in every order: one document waits, one decision stands, one account is current, one secret is fresh."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.save_connector import SaveConnector, open_secrets, rotate_secret, save_connector
from fulfillment.connectors.views import secret_tag
from kernel.db.uow import Database, transact, unit_of_work
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from marketplace.onboarding.accept_agreement import AcceptAgreement, accept_agreement
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.onboarding.become_seller import become_seller
from marketplace.onboarding.models import AgreementAcceptance, LegalProof, PayoutAccount, SellerOnboarding
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.save_payout_account import save_payout_account
from tests.factories_marketplace import (
    BOX,
    OPERATOR_PRINCIPAL,
    Org,
    bank_account,
    hand_in_proof,
    make_org,
)
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture
def seller(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_org(uow, seller=True)


def hand_in(db: Database, seller: Org) -> UUID:
    return transact(db, seller.owner, lambda uow: hand_in_proof(uow, seller).id)


def proofs(db: Database, seller: Org) -> dict[UUID, str]:
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.scalars(select(LegalProof).where(LegalProof.org_id == seller.id))
        return {row.id: row.state for row in rows}


def is_proved(db: Database, seller: Org) -> bool:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get_one(SellerOnboarding, seller.id).legal_done_at is not None


@every_order_of_twins
def test_two_documents_at_once(db: Database, seller: Org, order: str) -> None:
    interleaved(db, order, lambda: hand_in(db, seller), lambda: hand_in(db, seller))
    assert sorted(proofs(db, seller).values()) == ["submitted", "superseded"]


@every_order
def test_two_operators_disagree(db: Database, seller: Org, order: str) -> None:
    proof_id = hand_in(db, seller)

    def decide(approve: bool) -> str:  # noqa: FBT001 - the one thing that differs
        command = ReviewLegalProof(proof_id, approve, "" if approve else "Not legible.")
        return transact(db, OPERATOR_PRINCIPAL, lambda uow: review_legal_proof(uow, command).state)

    told = interleaved(db, order, lambda: decide(True), lambda: decide(False))
    (state,) = proofs(db, seller).values()
    assert sorted(map(str, told)) == sorted([state, "legal_proof_decided"])
    assert is_proved(db, seller) == (state == "approved")


@every_order
def test_a_decision_against_a_newer_document(db: Database, seller: Org, order: str) -> None:
    proof_id = hand_in(db, seller)
    command = ReviewLegalProof(proof_id, approve=True)
    told, newer = interleaved(
        db,
        order,
        lambda: transact(db, OPERATOR_PRINCIPAL, lambda uow: review_legal_proof(uow, command).state),
        lambda: hand_in(db, seller),
    )
    assert isinstance(newer, UUID)
    states = proofs(db, seller)
    assert states.pop(newer) == "submitted"
    assert (states[proof_id], told) in {("approved", "approved"), ("superseded", "legal_proof_decided")}
    assert is_proved(db, seller) == (states[proof_id] == "approved")


@every_order_of_twins
@pytest.mark.parametrize("sells", [True, False])
def test_two_accounts_at_once(db: Database, order: str, sells: bool) -> None:  # noqa: FBT001 - a parameter
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow, seller=sells)

    def save(holder: str) -> str:
        command = bank_account(holder=holder)
        return transact(db, org.owner, lambda uow: save_payout_account(uow, command, BOX).holder)

    told = interleaved(db, order, lambda: save("甲有限公司"), lambda: save("乙有限公司"))
    assert set(map(str, told)) <= {"甲有限公司", "乙有限公司", "payout_account_changed"}
    current = select(PayoutAccount.holder).where(PayoutAccount.org_id == org.id, PayoutAccount.replaced_at.is_(None))
    with unit_of_work(db, SYSTEM) as uow:
        (holder,) = uow.session.scalars(current)
    assert holder in told


@every_order_of_twins
def test_two_signatures_at_once(db: Database, seller: Org, order: str) -> None:
    def accept(name: str) -> str:
        command = AcceptAgreement(AGREEMENT_VERSION, "en", name)
        return transact(db, seller.owner, lambda uow: accept_agreement(uow, command).accepted_name)

    told = interleaved(db, order, lambda: accept("Kim"), lambda: accept("Lee"))
    with unit_of_work(db, SYSTEM) as uow:
        (kept,) = uow.session.scalars(
            select(AgreementAcceptance.accepted_name).where(AgreementAcceptance.org_id == seller.id)
        )
    assert told == (kept, kept)


@every_order_of_twins
def test_a_secret_that_is_changed_twice_at_once_is_changed_once(db: Database, seller: Org, order: str) -> None:
    policy, command = OutboundPolicy(), SaveConnector("main", "webhook", "https://seller.example/hooks")
    first = transact(db, seller.owner, lambda uow: save_connector(uow, command, box=BOX, policy=policy))
    with unit_of_work(db, SYSTEM) as uow:
        sealed = uow.session.get_one(ConnectorRow, first.id).secret_sealed
    assert sealed is not None

    def rotate() -> str | None:
        return transact(
            db, seller.owner, lambda uow: rotate_secret(uow, first.id, box=BOX, replaces=secret_tag(sealed)).secret
        )

    told = interleaved(db, order, rotate, rotate)
    with unit_of_work(db, SYSTEM) as uow:
        valid = open_secrets(uow.session.get_one(ConnectorRow, first.id), BOX)
    assert told == (valid[0], valid[0])
    assert valid[1] == first.secret, "the seller's system still has the former one, which signs along"


@every_order_of_twins
def test_a_buyer_begins_to_sell_twice_at_once(db: Database, order: str) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow)

    def begin() -> str:
        transact(db, org.owner, become_seller)
        return "begun"

    assert interleaved(db, order, begin, begin) == ("begun", "begun")
    with unit_of_work(db, SYSTEM) as uow:
        count = select(func.count()).select_from(SellerOnboarding).where(SellerOnboarding.org_id == org.id)
        assert uow.session.scalar(count) == 1
