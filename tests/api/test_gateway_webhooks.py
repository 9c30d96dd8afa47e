"""Stripe's notices over HTTP: verified, taken once, and believed only after asking Stripe itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from app.local_stripe.server import LocalStripe, signed_event
from billing.disputes.models import Dispute
from billing.gateways.ports import PaymentGateway
from billing.gateways.quarantine import list_quarantined, look_again
from billing.gateways.stripe import StripeGateway
from billing.incidents.models import Incident
from billing.payments.models import Payment
from billing.payments.start_payment import start_payment
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.errors import Conflict
from kernel.jobs.models import Inbox
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from tests.api_server import application, services_for
from tests.factories_billing import House, Sale, facts, make_house, read
from tests.factories_fulfillment import BOX, SIGNER

SECRET = "whsec_local"


@dataclass(frozen=True)
class Dashboard:
    """The application with Stripe as a gateway, and Stripe."""

    client: TestClient[Any]
    house: House
    stripe: LocalStripe

    def pay(self, token: str) -> UUID:
        """A payment through Stripe, submitted."""
        command = replace(Sale().start_command(token), gateway="stripe")
        with unit_of_work(self.house.db, SYSTEM) as uow:
            payment_id = start_payment(uow, command).request.row_id
        self.house.run()
        return payment_id

    def tell(self, subject: dict[str, Any], event_id: str, **changes: Any) -> Any:
        """Post a signed event about a PaymentIntent."""
        at = int(clock.wall_now().timestamp())
        body, headers = signed_event(SECRET, at, subject, id=event_id, **changes)
        answer = self.client.post("/hooks/stripe", content=body, headers=headers)
        self.house.run()
        return answer


@pytest.fixture(scope="module")
def gateways() -> dict[str, PaymentGateway]:
    """What the application of these tests asks; each test puts a Stripe of its own there."""
    return {}


@pytest.fixture(scope="module")
def services(db: Database, tmp_path_factory: pytest.TempPathFactory, gateways: dict[str, PaymentGateway]) -> Services:
    found = services_for(db, tmp_path_factory.mktemp("home"), signer=SIGNER, box=BOX, policy=OutboundPolicy())
    return replace(found, gateways=gateways)


@pytest.fixture
def dashboard(
    services: Services, gateways: dict[str, PaymentGateway], tmp_path: Path, noon: object
) -> Iterator[Dashboard]:
    with LocalStripe() as stripe:
        gateways["stripe"] = StripeGateway("sk_test_local", SECRET, base_address=stripe.address)
        house = make_house(services.db, tmp_path / "storage", gateways)
        with TestClient(application(services)) as client:
            yield Dashboard(client, house, stripe)


def test_a_notice_makes_us_ask_and_stripes_answer_counts(dashboard: Dashboard) -> None:
    payment_id = dashboard.pay("pm_processing")
    reference = read(dashboard.house.db, Payment, payment_id).gateway_reference or ""
    subject = dashboard.stripe.objects[reference]
    # The event says succeeded; Stripe itself does not yet.
    assert dashboard.tell({**subject, "status": "succeeded"}, "evt_early").json() == {"status": "accepted"}
    assert read(dashboard.house.db, Payment, payment_id).state == "processing"
    subject["status"] = "succeeded"
    dashboard.tell(subject, "evt_1")
    assert dashboard.tell(subject, "evt_1").json() == {"status": "known"}
    assert read(dashboard.house.db, Payment, payment_id).state == "succeeded"
    assert facts(dashboard.house.db, payment_id) == ["billing.payment_succeeded.v1"]


def test_another_amount_at_stripe_is_quarantined(dashboard: Dashboard) -> None:
    payment_id = dashboard.pay("pm_processing")
    subject = dashboard.stripe.objects[read(dashboard.house.db, Payment, payment_id).gateway_reference or ""]
    subject |= {"status": "succeeded", "amount": 1}
    dashboard.tell(subject, f"evt_{payment_id.hex}")
    assert read(dashboard.house.db, Payment, payment_id).error_code == "answer_contradicts"
    with unit_of_work(dashboard.house.db, SYSTEM) as uow:
        notice = uow.session.scalars(select(Inbox).where(Inbox.event_id == f"evt_{payment_id.hex}")).one()
    assert notice.state == "quarantined"


def test_what_was_put_right_at_stripe_is_asked_about_again_and_ends(dashboard: Dashboard) -> None:
    db, payment_id = dashboard.house.db, dashboard.pay("pm_processing")
    subject = dashboard.stripe.objects[read(db, Payment, payment_id).gateway_reference or ""]
    right = dict(subject)
    dashboard.tell(subject | {"status": "succeeded", "amount": 1}, f"evt_{payment_id.hex}")
    subject |= {"status": "succeeded", "amount": 1}
    dashboard.tell(subject, f"evt_{payment_id.hex}_again")
    with unit_of_work(db, SYSTEM) as uow:
        (row,) = [one for one in list_quarantined(uow).items if one.subject_id == payment_id]
    transact(db, SYSTEM, lambda uow: look_again(uow, row.id))
    dashboard.house.run()
    assert read(db, Inbox, row.id).state == "quarantined"  # Stripe still says what does not fit
    subject |= right | {"status": "succeeded"}
    transact(db, SYSTEM, lambda uow: look_again(uow, row.id))
    with pytest.raises(Conflict, match="webhook_settled"):
        transact(db, SYSTEM, lambda uow: look_again(uow, row.id))
    dashboard.house.run()
    assert read(db, Inbox, row.id).state == "processed"
    assert read(db, Payment, payment_id).state == "succeeded"
    assert facts(db, payment_id) == ["billing.payment_succeeded.v1"]


def test_what_stripe_does_by_itself_is_booked_and_reaches_the_desk(dashboard: Dashboard) -> None:
    reference = read(dashboard.house.db, Payment, dashboard.pay("pm_card_visa")).gateway_reference or ""
    by_hand, disputed = dashboard.stripe.refund_by_hand(reference, 6_000), dashboard.stripe.dispute(reference)
    refund, dispute = dashboard.stripe.objects[by_hand], dashboard.stripe.objects[disputed]
    for number in range(2):
        dashboard.tell(refund, f"evt_{by_hand}_{number}", type="refund.created")
        dashboard.tell(dispute, f"evt_{disputed}_{number}", type="charge.dispute.created")
    # Of another account's payment nothing is ours.
    dashboard.tell({**dispute, "id": "dp_other"}, f"evt_{disputed}_other", type="charge.dispute.created")
    with unit_of_work(dashboard.house.db, SYSTEM) as uow:
        told = uow.session.scalars(
            select(Inbox).where(Inbox.event_id.contains(by_hand) | Inbox.event_id.contains(disputed))
        )
        assert sorted(row.state for row in told) == ["ignored", *["processed"] * 4]
        (incident,) = uow.session.scalars(select(Incident).where(Incident.gateway_reference == by_hand)).all()
        (found,) = uow.session.scalars(select(Dispute).where(Dispute.gateway_reference == disputed)).all()
    assert (incident.kind, incident.amount_minor) == ("external_refund", 6_000)
    # Nothing was charged yet: no order bears it.
    assert incident.suspense_minor == 6_000
    assert (found.state, found.amount_minor) == ("open", 106_000)


def test_what_is_forged_or_of_the_other_mode_is_refused(dashboard: Dashboard) -> None:
    forged = dashboard.client.post("/hooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})
    assert (forged.status_code, forged.json()["code"]) == (422, "notice_refused")
    assert dashboard.tell({"id": "pi_x", "object": "payment_intent"}, "evt_live", livemode=True).status_code == 422


def test_without_stripe_there_is_no_such_address(db: Database, tmp_path: Path) -> None:
    services = services_for(db, tmp_path, signer=SIGNER, box=BOX, policy=OutboundPolicy())
    with TestClient(application(services)) as client:
        assert client.post("/hooks/stripe", content=b"{}").status_code == 404
