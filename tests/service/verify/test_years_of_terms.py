"""Years of subscriptions in twelve time zones, with a scheduler that is away now and then: nothing missed, nothing twice."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

import marketplace.mail.jobs
from app.database_schema import upgrade
from app.embedded.databases import drop_database
from app.embedded.shared import shared_engines
from app.scheduler import tick
from app.verify.check import verify
from app.verify.rule import Outside
from billing.charges.models import Charge
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Conflict
from kernel.principal import SYSTEM
from kernel.signing import TokenSigner
from kernel.storage import open_storage
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.order.models import OrderLine, Subscription, SubscriptionTerm
from orders.subscriptions.auto_renew import set_auto_renew
from orders.subscriptions.change_next_term import ChangeNextTerm, change_next_term
from tests.conftest import NOON
from tests.factories_marketplace import Org, make_org
from tests.unit.orders.test_subscription_schedule import ZONES
from tests.verify_world import MarketStage, register

YEARS = int(os.environ.get("SIMULATED_YEARS", "2"))
"""`SIMULATED_YEARS=10 uv run pytest tests/service/verify` before a change of terms or amendments is merged."""
MOST_DAYS_AWAY = 9
REFUSED = ("renewal_in_progress", "subscription_ended")
"""What a change may meet at any moment."""


@pytest.mark.timeout(900)
def test_years_leave_nothing_broken(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By month and by year, grown and shrunk at random; the books, the terms and the papers agree afterwards."""
    chance = random.Random(10)
    with shared_engines() as engines:
        addresses = engines.own_database(f"y{os.getpid()}_{worker_id}")
        assert addresses.database_admin_url is not None
        upgrade(addresses.database_admin_url)
        db = Database(addresses.database_url)
        try:
            with clock.frozen(NOON):
                storage = open_storage(str(tmp_path_factory.mktemp("objects")))
                register(db, storage)
                composer = Composer(
                    TokenSigner([bytes(32)]), public_url="https://market.example", sender="m@market.example"
                )
                marketplace.mail.jobs.register(FolderTransport(tmp_path_factory.mktemp("mail")), composer)
                stage = MarketStage(db, storage)
                buyers = [_subscribe(stage, zone) for zone in ZONES]
                until = clock.now() + timedelta(days=YEARS * 365)
                while clock.now() < until:
                    clock.advance(timedelta(days=chance.randint(1, MOST_DAYS_AWAY), seconds=chance.randrange(86_400)))
                    tick(db, {})
                    stage.keep_running()
                    _change(stage, chance.choice(buyers), chance)
                report = verify(db, Outside(storage))
                assert {one.name: one.found for one in report.outcomes if one.found.violations} == {}
                _follow_each_other(db)
        finally:
            db.dispose()
            drop_database(addresses.database_admin_url, f"y{os.getpid()}_{worker_id}")


def _subscribe(stage: MarketStage, zone: str) -> Org:
    """A buyer there, with a subscription by month and one by year, both to be renewed."""
    with unit_of_work(stage.db, SYSTEM) as uow:
        stage.buyer = make_org(uow, time_zone=zone)
    stage.buy((stage.months.id, 3))
    stage.buy((stage.seats.id, 3))
    with unit_of_work(stage.db, stage.buyer.owner) as uow:
        of_buyer = select(Subscription.id).where(Subscription.buyer_org_id == stage.buyer.id)
        for subscription_id in uow.session.scalars(of_buyer).all():
            set_auto_renew(uow, subscription_id, wanted=True)
    return stage.buyer


def _change(stage: MarketStage, buyer: Org, chance: random.Random) -> None:
    """More now, or another number from the next term on. What is refused is refused for a reason that has a name."""
    stage.buyer = buyer
    try:
        with unit_of_work(stage.db, buyer.owner) as uow:
            found = uow.session.scalars(select(Subscription).where(Subscription.buyer_org_id == buyer.id)).all()
            one = chance.choice(found)
            if one.quantity > 40 or chance.random() < 0.5:
                change_next_term(uow, ChangeNextTerm(one.id, chance.randint(1, 9)))
                return
            quote_id = quote_amendment(uow, QuoteAmendment(one.id, one.quantity + chance.randint(1, 5))).id
        stage.take(quote_id)
        stage.keep_running()
    except Conflict as refused:
        if refused.code not in REFUSED:
            raise


def _follow_each_other(db: Database) -> None:
    """Every term begins where the one before ended, on its anchor day; each was charged once; none is missing."""
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Subscription)) == 2 * len(ZONES)
        for subscription in uow.session.scalars(select(Subscription)).all():
            assert subscription.state == "active"
            terms = uow.session.execute(
                select(SubscriptionTerm, OrderLine)
                .join(OrderLine, OrderLine.id == SubscriptionTerm.order_line_id)
                .where(SubscriptionTerm.subscription_id == subscription.id)
                .order_by(SubscriptionTerm.number)
            ).all()
            months = terms[0].OrderLine.term_months
            assert len(terms) >= YEARS * 12 // months
            assert [term.number for term, _ in terms] == list(range(1, len(terms) + 1))
            assert all(before.ends_at == after.starts_at for (before, _), (after, _) in pairwise(terms))
            charged = select(func.count()).where(Charge.reference.in_([line.id for _, line in terms]))
            assert uow.session.scalar(charged) == len(terms)
