"""Claims to one tax identifier in every order: two newcomers see each other, one holder is verified, one decision stands."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

import marketplace.jobs  # noqa: F401 - registers what follows a claim
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.onboarding.change_tax_id import change_tax_id
from marketplace.onboarding.decide_tax_id_dispute import DecideTaxIdDispute, decide_tax_id_dispute
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.parties.models import Organization, TaxIdDispute
from tests.factories_marketplace import OPERATOR_PRINCIPAL, Org, hand_in_proof, make_org, new_tax_id
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@pytest.fixture
def tax_id() -> str:
    return new_tax_id()


def claimant(db: Database, tax_id: str | None = None) -> Org:
    return transact(db, SYSTEM, lambda uow: make_org(uow, tax_id=tax_id or new_tax_id()))


def proved(db: Database, tax_id: str) -> tuple[Org, UUID]:
    """A claimant whose document waits."""
    org = claimant(db, tax_id)
    return org, transact(db, org.owner, lambda uow: hand_in_proof(uow, org).id)


def disputes(db: Database, tax_id: str) -> list[tuple[UUID, str, UUID | None]]:
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.scalars(select(TaxIdDispute).where(TaxIdDispute.tax_id == tax_id))
        return [(row.id, row.state, row.winner_id) for row in rows]


def holders(db: Database, tax_id: str) -> list[UUID]:
    with unit_of_work(db, SYSTEM) as uow:
        verified = Organization.tax_id_verified_at.is_not(None)
        return list(uow.session.scalars(select(Organization.id).where(Organization.tax_id == tax_id, verified)))


@every_order_of_twins
def test_two_newcomers_with_one_identifier(db: Database, tax_id: str, order: str) -> None:
    owner = claimant(db).owner.person()

    def register() -> None:
        name = f"测试{uuid7().hex}有限公司"
        command = RegisterOrganization(name, name, "CN", tax_id, owner)
        transact(db, SYSTEM, lambda uow: register_organization(uow, command))

    interleaved(db, order, register, register)
    assert [state for _, state, _ in disputes(db, tax_id)] == ["open"]


@every_order
def test_a_correction_beside_a_newcomer(db: Database, tax_id: str, order: str) -> None:
    org = claimant(db)
    interleaved(
        db,
        order,
        lambda: transact(db, org.owner, lambda uow: change_tax_id(uow, tax_id)),
        lambda: claimant(db, tax_id),
    )
    drain(db)
    assert [state for _, state, _ in disputes(db, tax_id)] == ["open"]


@every_order_of_twins
def test_two_reviewers_approve_two_claimants(db: Database, tax_id: str, order: str) -> None:
    (one, first), (two, second) = proved(db, tax_id), proved(db, tax_id)

    def approve(proof_id: UUID) -> str:
        command = ReviewLegalProof(proof_id, approve=True)
        return transact(db, OPERATOR_PRINCIPAL, lambda uow: review_legal_proof(uow, command).state)

    told = interleaved(db, order, lambda: approve(first), lambda: approve(second))
    assert sorted(map(str, told)) == ["approved", "tax_id_verified_elsewhere"]
    (holder,) = holders(db, tax_id)
    assert holder in (one.id, two.id)


@every_order_of_twins
def test_two_reviewers_decide_for_different_ones(db: Database, tax_id: str, order: str) -> None:
    (one, _), (two, _) = proved(db, tax_id), proved(db, tax_id)
    ((dispute_id, _, _),) = disputes(db, tax_id)

    def settle(org: Org) -> str:
        command = DecideTaxIdDispute(dispute_id, "settle", org.id, "Compared.")
        return transact(db, OPERATOR_PRINCIPAL, lambda uow: decide_tax_id_dispute(uow, command).state)

    told = interleaved(db, order, lambda: settle(one), lambda: settle(two))
    assert sorted(map(str, told)) == ["settled", "tax_id_dispute_decided"]
    ((_, state, winner),) = disputes(db, tax_id)
    assert (state, holders(db, tax_id)) == ("settled", [winner])


@every_order
def test_a_decision_while_the_other_corrects_its_own(db: Database, tax_id: str, order: str) -> None:
    (one, _), (two, _), other = proved(db, tax_id), proved(db, tax_id), new_tax_id()
    ((dispute_id, _, _),) = disputes(db, tax_id)
    command = DecideTaxIdDispute(dispute_id, "settle", one.id, "Compared.")
    interleaved(
        db,
        order,
        lambda: transact(db, OPERATOR_PRINCIPAL, lambda uow: decide_tax_id_dispute(uow, command)),
        lambda: transact(db, two.owner, lambda uow: change_tax_id(uow, other)),
    )
    assert holders(db, tax_id) == [one.id]
    with unit_of_work(db, SYSTEM) as uow:
        # Corrected it keeps what it gave, in whichever order.
        assert uow.session.get_one(Organization, two.id).tax_id == other
