"""The sample market: organizations, people, listings, real videos, connectors and purchase rules. Idempotent.

A fresh one is given a past: its people joined three months ago, and `app.sample.history` lives through the time since then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.composition import compose
from app.database_schema import upgrade
from app.sample.catalogue import PostedAt, seed_catalogue
from app.sample.circle import seed_circle
from app.sample.connectors import SampleConnector, seed_connectors
from app.sample.course import seed_course
from app.sample.history.live import APART
from app.sample.history.plan import DAYS, base_posted_at
from app.sample.live import seed_live
from app.sample.organizations import APPROVAL_ABOVE_MINOR, ORGANIZATIONS
from app.sample.outcome import SampleMarket
from app.sample.scenes import generate_scenes
from app.sample.seller_start import SellerStart
from app.sample.webhooks import seed_endpoint
from kernel import clock, sandbox_history
from kernel.db.uow import UnitOfWork, transact
from kernel.jobs.hand_over import hand_over
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.sandbox_history import HistoryProgress
from kernel.settings import Settings
from marketplace.parties.models import Organization
from orders.approval_rules.set_rule import SetRule, set_rule

BUYERS = ("xinghe", "lakeside")


def seed(settings: Settings) -> SampleMarket:
    """Bring the database up to date and fill the market, or find it filled; the answer is the same.

    Raises RuntimeError when a sample video is refused.
    """
    with ThreadPoolExecutor(1) as pool:
        # The films are drawn by processes of their own, while the database gets its structure.
        drawing = pool.submit(generate_scenes, settings.market_home / "scenes")
        if settings.database_admin_url is not None:
            # The months of the past have their partitions, too.
            with clock.frozen(clock.now() - timedelta(days=DAYS)):
                upgrade(settings.database_admin_url)
        scenes = drawing.result()
    services = compose(settings)
    start = SellerStart(services.db, services.storage, services.secrets)
    connectors: dict[str, SampleConnector] = {}

    def connect(sellers: Mapping[str, UUID]) -> Mapping[str, UUID]:
        address = f"http://127.0.0.1:{settings.sample_seller_port}"
        connectors.update(seed_connectors(services.db, services.secrets, services.outbound_policy, address, sellers))
        vendor, org_id = next(iter(sellers.items()))
        secret = connectors[vendor].secret
        seed_endpoint(services.db, services.secrets, services.outbound_policy, address, vendor, org_id, secret)
        return {vendor: found.connector_id for vendor, found in connectors.items()}

    try:
        past = transact(services.db, SYSTEM, lambda uow: _past(uow, wanted=settings.sample_history == "on"))
        with _in_past(past):
            catalogue = seed_catalogue(start, scenes, connect, _posted_at(past))
            films = {scene.key: scene for scene in scenes}
            seed_course(start, services.outbound_policy, catalogue.organizations, catalogue.videos, films)
            seed_circle(services.db, catalogue.organizations, catalogue.videos, catalogue.plans)
            for key in BUYERS:
                principal = Principal(PrincipalKind.SYSTEM, org_id=catalogue.organizations[key], label="sample")
                transact(services.db, principal, _rule)
                start.prove(principal)
        seed_live(services.db, catalogue.organizations, catalogue.videos, catalogue.plans)
    finally:
        services.db.dispose()
    return SampleMarket(catalogue.sign_ins, {vendor: found.secret for vendor, found in connectors.items()})


def _past(uow: UnitOfWork, *, wanted: bool) -> HistoryProgress | None:
    """The past that is being made: of a fresh market a new one. One that is not wanted any more stays as far as it is."""
    taken = select(Organization.id).where(Organization.tax_id.in_([one.tax_id for one in ORGANIZATIONS]))
    if wanted and uow.session.scalar(taken.limit(1)) is None:
        sandbox_history.begin(uow, clock.now() - timedelta(days=DAYS), clock.now())
    if not wanted:
        sandbox_history.finish(uow)
        uow.signals += hand_over(uow, APART)
    sandbox_history.keep_alive(uow)
    found = sandbox_history.read(uow)
    return None if found is None or found.finished else found


@contextmanager
def _in_past(past: HistoryProgress | None) -> Iterator[None]:
    """Where there is a past, the sample's people have been there since it began."""
    if past is None:
        yield
        return
    with clock.frozen(past.starts_at):
        yield


def _posted_at(past: HistoryProgress | None) -> PostedAt | None:
    return None if past is None else lambda film: base_posted_at(past.ends_at, film)


def _rule(uow: UnitOfWork) -> None:
    set_rule(uow, SetRule("CNY", APPROVAL_ABOVE_MINOR))
