"""Sample buyers are organizations that sellers find by their names."""

from __future__ import annotations

from app.sample.seller_start import SellerStart
from kernel.db.uow import unit_of_work
from kernel.principal import Principal, PrincipalKind
from marketplace.access.find_organizations import get_findable
from marketplace.onboarding.models import LegalProof
from tests.loop_stage import Stage


def test_who_was_proved_is_found_and_nothing_is_shown_twice(stage: Stage) -> None:
    services = stage.services
    start = SellerStart(services.db, services.storage, services.secrets)
    sample = Principal(PrincipalKind.SYSTEM, org_id=stage.buyer.id, label="sample")
    before = len(stage.rows(LegalProof.__table__.select().where(LegalProof.org_id == stage.buyer.id)))
    for _ in range(2):
        start.prove(sample)
    with unit_of_work(services.db, stage.seller.owner) as uow:
        assert get_findable(uow, stage.buyer.id).id == stage.buyer.id
    assert len(stage.rows(LegalProof.__table__.select().where(LegalProof.org_id == stage.buyer.id))) == before + 1
