"""Sample buyers are organizations that sellers find by their names."""

from __future__ import annotations

from app.sample.catalogue import make_organization
from app.sample.history.world import participant
from app.sample.seller_start import SellerStart
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.access.find_organizations import get_findable
from marketplace.onboarding.models import LegalProof
from tests.factories_marketplace import make_org
from tests.loop_stage import Stage


def test_it_is_known_by_its_people_and_not_by_what_others_say_of_themselves(stage: Stage) -> None:
    wanted = participant("lanqiao")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        pretends = make_org(uow, tax_id=wanted.tax_id)
    first, again = (transact(stage.services.db, SYSTEM, make_organization(wanted)) for _ in range(2))
    assert first.org_id == again.org_id != pretends.id


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
