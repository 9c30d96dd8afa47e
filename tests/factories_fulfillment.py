"""Deliveries for tests: entitlements opened by the product's own verb, and the jobs of one delivery run by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from fulfillment import jobs
from fulfillment.connectors.noop import NoopConnector
from fulfillment.connectors.ports import Connector
from fulfillment.connectors.save_connector import SaveConnector, SavedConnector, save_connector
from fulfillment.connectors.webhook import WebhookConnector
from fulfillment.entitlements.models import Entitlement
from fulfillment.provisioning.open_entitlement import OpenEntitlement, open_entitlement
from fulfillment.runs.call_seller import SellerCalls
from fulfillment.runs.models import Run
from fulfillment.runs.receive_callback import APPLY
from fulfillment.runs.start_run import CALL
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.runner import Runner
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.catalog.models import Plan
from tests.factories_marketplace import Org, make_org, make_plans, make_seller

BOX = SecretBox({"k1": b"a sealing key of thirty-two bytes"[:32]})
SIGNER = TokenSigner([b"a signing key of thirty-two bytes"])
LOOPBACK = OutboundPolicy(allow_loopback=True)
PUBLIC_URL = "https://market.example"


def register(public_url: str = PUBLIC_URL, **connectors: Connector) -> SellerCalls:
    """Register delivery's jobs with real connectors over loopback; named ones replace them."""
    known: dict[str, Connector] = {"webhook": WebhookConnector(OutboundClient(LOOPBACK)), "none": NoopConnector()}
    ports = SellerCalls(known | connectors, BOX, SIGNER, public_url)
    jobs.register(ports)
    return ports


@dataclass(frozen=True)
class Delivery:
    """An entitlement just opened, its provisioning run and the parties."""

    id: UUID
    run_id: UUID
    reference: UUID
    buyer: Org
    seller: Org


def make_delivery(
    uow: UnitOfWork,
    *,
    buyer: Org | None = None,
    seller: Org | None = None,
    connector_id: UUID | None = None,
    within: timedelta = timedelta(hours=24),
    plan: Plan | None = None,
    **changes: Any,
) -> Delivery:
    """An entitlement with its queued `provision` run; of a `plan` of the seller, or of one that is made."""
    buyer = buyer or make_org(uow)
    seller = seller or make_seller(uow)
    plan = plan or make_plans(uow, seller)[0]
    reference = uuid7()
    values: dict[str, Any] = {
        "reference": reference,
        "buyer_org_id": buyer.id,
        "seller_org_id": seller.id,
        "listing_id": plan.listing_id,
        "plan_id": plan.id,
        "connector_id": connector_id,
        "title": "招聘专业版",
        "title_en": "Recruiting Pro",
        "seats": 3,
        "term_months": 12,
        "time_zone": "Asia/Shanghai",
        "deadline_at": clock.now() + within,
        "context": {
            "order_id": str(uuid7()),
            "order_number": "O-1",
            "order_line_id": str(reference),
            "organization": {"id": str(buyer.id), "name": "买方有限公司", "country": "CN"},
            "listing": {"id": str(plan.listing_id), "title": "招聘专业版", "title_en": "Recruiting Pro"},
            "plan": {"id": str(plan.id), "code": plan.code, "name": plan.name, "name_en": plan.name_en},
            "term_months": 12,
        },
    }
    values["group_reference"] = UUID(values["context"]["order_id"])
    entitlement_id = open_entitlement(uow, OpenEntitlement(**(values | changes)))
    uow.flush()
    return Delivery(entitlement_id, provision_run(uow, entitlement_id).id, reference, buyer, seller)


def provision_run(uow: UnitOfWork, entitlement_id: UUID) -> Run:
    """The run that provisions an entitlement, freshly read."""
    return runs_of(uow, entitlement_id, "provision")[0]


def runs_of(uow: UnitOfWork, entitlement_id: UUID, operation: str | None = None) -> list[Run]:
    """The runs of an entitlement, the first first, freshly read."""
    uow.flush()
    statement = select(Run).where(Run.entitlement_id == entitlement_id).order_by(Run.created_at, Run.id)
    rows = list(uow.session.scalars(statement.execution_options(populate_existing=True)))
    return [row for row in rows if operation in (None, row.operation)]


def entitlement_of(uow: UnitOfWork, entitlement_id: UUID) -> Entitlement:
    """The entitlement, freshly read."""
    uow.flush()
    return uow.session.get_one(Entitlement, entitlement_id, populate_existing=True)


def make_connector(uow: UnitOfWork, seller: Org, url: str, secret: str | None = None) -> SavedConnector:
    """A webhook connector of the seller on loopback."""
    before = uow.principal
    uow.principal = Principal(PrincipalKind.SYSTEM, org_id=seller.id, label="test")
    saved = save_connector(uow, SaveConnector("test", "webhook", url, secret), box=BOX, policy=LOOPBACK)
    uow.principal = before
    return saved


def events_of(uow: UnitOfWork, subject_id: UUID) -> list[str]:
    """Topics of the facts about a subject, in order."""
    uow.flush()
    rows = uow.session.execute(
        text("SELECT topic FROM kernel.event WHERE subject_id = :s ORDER BY occurred_at, id"), {"s": subject_id}
    )
    return [row.topic for row in rows]


def due_jobs(db: Database, entitlement_id: UUID) -> list[UUID]:
    """Jobs of delivery that are due for an entitlement's runs, the earliest first."""
    with unit_of_work(db, SYSTEM) as uow:
        rows = uow.session.execute(
            text("""SELECT j.id FROM kernel.job j JOIN fulfillment.run r ON r.id::text = j.payload->>'run_id'
                    WHERE r.entitlement_id = :e AND j.kind = ANY(:kinds) AND j.run_at <= :now
                      AND (j.state = 'ready' OR (j.state = 'running' AND j.lease_until < clock_timestamp()))
                    ORDER BY j.run_at, j.id"""),
            {"e": entitlement_id, "kinds": [CALL, APPLY], "now": clock.now()},
        )
        return [row.id for row in rows]


def work(db: Database, entitlement_id: UUID, worker: str = "test") -> int:
    """Run what is due of one delivery, and of nobody else's, until nothing is. Returns how many jobs ran."""
    runner, count = Runner(db, worker), 0
    while found := due_jobs(db, entitlement_id):
        ran = sum(runner.run(job_id) for job_id in found)
        if not ran:
            break
        count += ran
    return count


def attempts_of(db: Database, run_id: UUID) -> list[tuple[int, str, int | None, str | None]]:
    """(number, outcome, status, reason) of a run's tries."""
    with unit_of_work(db, SYSTEM) as uow:
        rows: Iterable[Any] = uow.session.execute(
            text("""SELECT number, outcome, status, reason FROM fulfillment.run_attempt
                    WHERE run_id = :r ORDER BY number, started_at"""),
            {"r": run_id},
        )
        return [(row.number, row.outcome, row.status, row.reason) for row in rows]
