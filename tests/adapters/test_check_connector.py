"""The test of a connector against the sample seller as a process of its own, and the step of the checklist it completes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.queries import get_connector, get_transcript
from fulfillment.connectors.save_connector import ChangeConnector, SaveConnector, change_connector, save_connector
from fulfillment.runs.check_connector import CHECK, ask_for_test
from kernel.db.uow import Database, unit_of_work
from kernel.jobs.models import Job
from kernel.jobs.runner import Runner
from kernel.principal import SYSTEM
from kernel.signing import new_webhook_secret
from marketplace.onboarding.models import SellerOnboarding
from orders import loop
from tests.adapters.seller_process import SECRET, Seller
from tests.factories_fulfillment import BOX, LOOPBACK, make_connector, register
from tests.factories_marketplace import Org, make_org

FOLLOWER = f"{loop.__name__}.{loop.connector_test_passed.__name__}"


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    running = Seller(tmp_path_factory.mktemp("seller"))
    yield running
    running.client.close()
    running.kill()


@pytest.fixture(autouse=True)
def _fresh(seller: Seller) -> None:
    register()
    seller.behave()


def begin(db: Database, seller: Seller, *, secret: str = SECRET, sells: bool = True) -> tuple[Org, UUID]:
    """An organization that has done nothing of its checklist yet, its connector, and the test asked for."""
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow, seller=sells)
        connector_id = make_connector(uow, org, f"{seller.address}/webhooks/marketplace/northwind", secret).id
    with unit_of_work(db, org.owner) as uow:
        ask_for_test(uow, connector_id)
    return org, connector_id


def work(db: Database, connector_id: UUID) -> list[str]:
    """Run the test's job and what follows it; answers the states they end in."""
    mine = select(Job.id).where(
        Job.kind.in_((CHECK, FOLLOWER)), Job.payload["connector_id"].astext == str(connector_id), Job.state == "ready"
    )
    ran: list[UUID] = []
    for _ in ("the test", "its follower"):
        with unit_of_work(db, SYSTEM) as uow:
            found = list(uow.session.scalars(mine))
        ran += [job_id for job_id in found if Runner(db, "test").run(job_id)]
    with unit_of_work(db, SYSTEM) as uow:
        # What is done leaves the table.
        return ["done" if (row := uow.session.get(Job, job_id)) is None else row.state for job_id in ran]


def result(db: Database, org: Org, connector_id: UUID) -> tuple[Any, ...]:
    """(how the test went, why it failed, whether the checklist says it is done)."""
    with unit_of_work(db, org.owner) as uow:
        found = get_connector(uow, connector_id)
        done_at = uow.session.scalar(
            select(SellerOnboarding.connector_done_at).where(SellerOnboarding.org_id == org.id)
        )
    return found.test, found.test_failure, done_at is not None


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_system_that_keeps_the_protocol_passes_and_nothing_is_made_in_it(
    db: Database, seller: Seller, mode: str
) -> None:
    seller.behave(mode=mode, progress_steps=0)
    before = len(seller.log("")["effects"])
    org, connector_id = begin(db, seller)
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("passed", None, True)
    log = seller.log("")
    assert len(log["effects"]) == before
    assert [call["verdict"] for call in log["deliveries"][-3:]] == ["verified", "verified", "bad_signature"]
    assert len({call["webhook_id"] for call in log["deliveries"][-3:]}) == 1


def test_the_transcript_says_what_was_sent_and_answered(db: Database, seller: Seller) -> None:
    org, connector_id = begin(db, seller)
    with unit_of_work(db, org.owner) as uow:
        assert get_transcript(uow, connector_id) == ()
    work(db, connector_id)
    with unit_of_work(db, org.owner) as uow:
        message, repetition, forgery = get_transcript(uow, connector_id)
    assert [message.status, repetition.status, forgery.status] == [200, 200, 401]
    assert message.sent == repetition.sent
    assert '"operation": "deprovision"' in message.sent or "deprovision" in message.sent
    assert "succeeded" in message.answered
    assert SECRET.removeprefix("whsec_") not in repr((message, repetition, forgery))
    assert "/hooks/runs/" not in message.sent, "the callback's address is a credential"
    with unit_of_work(db, SYSTEM) as uow:
        stranger = make_org(uow, seller=True)
    with unit_of_work(db, stranger.owner) as uow:
        assert get_transcript(uow, connector_id) == ()


def test_one_that_does_not_know_our_secret_fails(db: Database, seller: Seller) -> None:
    org, connector_id = begin(db, seller, secret=new_webhook_secret())
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("failed", "the signature does not verify", False)


def test_one_that_is_away_fails_and_may_be_tested_again(db: Database, seller: Seller) -> None:
    org, connector_id = begin(db, seller)
    seller.kill()
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("failed", "connect_failed", False)
    seller.start()
    with unit_of_work(db, org.owner) as uow:
        ask_for_test(uow, connector_id)
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("passed", None, True)


def test_what_was_changed_meanwhile_is_not_judged(db: Database, seller: Seller) -> None:
    org, connector_id = begin(db, seller)
    with unit_of_work(db, org.owner) as uow:
        moved = ChangeConnector(connector_id, url=f"{seller.address}/webhooks/marketplace/contoso")
        change_connector(uow, moved, policy=LOOPBACK)
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("untested", None, False)


def test_an_organization_that_does_not_sell_has_no_checklist(db: Database, seller: Seller) -> None:
    org, connector_id = begin(db, seller, sells=False)
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("passed", None, False)


def test_where_nothing_is_called_nothing_can_fail(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow, seller=True)
    with unit_of_work(db, org.owner) as uow:
        connector_id = save_connector(uow, SaveConnector("none", "none"), box=BOX, policy=LOOPBACK).id
        ask_for_test(uow, connector_id)
    assert work(db, connector_id) == ["done"]
    assert result(db, org, connector_id) == ("passed", None, True)
    with unit_of_work(db, SYSTEM) as uow:
        assert uow.session.get_one(ConnectorRow, connector_id).url is None
