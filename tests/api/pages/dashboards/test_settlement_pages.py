"""Statements, payouts, earnings and the operator's dashboard, from closing to the money on its way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from billing.payouts.models import Payout
from billing.settlement.jobs import CLOSE
from billing.shares.models import Share
from billing.shares.release import RELEASE
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM
from kernel.sandbox_clock import SandboxClock
from tests.api.pages.dashboards.conftest import Dashboards, text_of
from tests.loop_stage import SETTLED


@pytest.fixture
def unmoved() -> Iterator[None]:
    """Whatever a test does to the clock is undone."""
    yield
    clock.shift(timedelta())


def test_only_operators_see_the_operators_dashboard(dashboards: Dashboards) -> None:
    for visitor in (dashboards.seller, dashboards.buyer, dashboards.promoter):
        assert visitor.get("/operator").status_code == 403
        assert visitor.post("/operator/statements/close").status_code == 403
        assert visitor.post("/operator/clock", days="1").status_code == 403
    assert dashboards.operator.get("/operator").status_code == 200
    assert dashboards.operator.get("/seller").status_code == 404


def test_the_promoter_sees_its_video_and_no_buyer(dashboards: Dashboards) -> None:
    page = text_of(dashboards.promoter.get("/promoter"))
    assert "One screen" in page
    assert "¥187.74" in page
    order = dashboards.stage.order(dashboards.order_id)
    assert order.buyer_name not in page
    assert order.number not in page
    videos = text_of(dashboards.promoter.get("/seller/videos"))
    assert "One screen" in videos
    assert "¥3,980.00" in videos


def test_a_party_that_does_not_reconcile_is_told_and_the_others_are_closed(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    clock.advance(SETTLED)
    stage.tick(RELEASE)
    mine = (Share.org_id == stage.seller.id, Share.state == "releasable")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Share).where(*mine).values(amount_minor=Share.amount_minor + 1))
    told = dashboards.operator.post("/operator/statements/close")
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Share).where(*mine).values(amount_minor=Share.amount_minor - 1))
    assert told.status_code == 409
    assert str(stage.seller.id) in told.text
    assert stage.statements(stage.seller) == []
    assert len(stage.statements(stage.promoter)) == 1


def test_closing_and_paying_from_the_dashboard(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    clock.advance(SETTLED)
    stage.tick(RELEASE)
    assert dashboards.operator.post("/operator/statements/close").headers["location"] == "/operator"
    stage.run()
    (statement,) = stage.statements(stage.seller)
    (promoters,) = stage.statements(stage.promoter)
    assert f"/operator/statements/{statement.id}/pay" in dashboards.operator.get("/operator").text
    # The seller reads what comes next before it is paid.
    assert "Next: ¥3,229.05" in text_of(dashboards.seller.get("/seller"))
    blank = dashboards.operator.post(f"/operator/statements/{statement.id}/pay")
    assert blank.status_code == 409
    assert "holder is called otherwise" in blank.text
    account = {"gateway": "sandbox", "destination": "sbx_acct_ok"}
    answer = dashboards.operator.post(f"/operator/statements/{statement.id}/pay", **account)
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator")
    again = dashboards.operator.post(f"/operator/statements/{statement.id}/pay", **account)
    assert again.status_code == 409
    assert 'role="alert"' in again.text
    stage.run()
    (payout,) = stage.rows(select(Payout).where(Payout.statement_id == statement.id))
    assert (payout.state, payout.amount_minor) == ("paid", statement.net_minor)
    money = text_of(dashboards.seller.get("/seller/money"))
    assert statement.number in money
    assert "COM-" in money
    own = dashboards.seller.get(f"/seller/statements/{statement.id}")
    assert stage.order(dashboards.order_id).number in text_of(own)
    assert dashboards.seller.get(f"/seller/statements/{promoters.id}").status_code == 404
    theirs = dashboards.promoter.get(f"/promoter/statements/{promoters.id}")
    assert "¥187.74" in text_of(theirs)
    assert stage.order(dashboards.order_id).number not in text_of(theirs)


def test_a_job_that_was_given_up_runs_again(dashboards: Dashboards) -> None:
    db = dashboards.stage.services.db
    with unit_of_work(db, SYSTEM) as uow:
        enqueue(uow, CLOSE, {}, dedupe_key=str(uuid7()), run_at=clock.now() + timedelta(days=1))
        uow.flush_outbox()
        job = uow.session.scalars(select(Job).where(Job.kind == CLOSE, Job.state == "ready")).one()
        job.state, job.finished_at = "dead", clock.now()
    path = f"/operator/jobs/{job.id}/replay"
    assert path in dashboards.operator.get("/operator").text
    assert dashboards.seller.post(path).status_code == 403
    assert dashboards.operator.post(path).status_code == 303
    assert dashboards.stage.get(Job, job.id).state == "ready"
    assert path not in dashboards.operator.get("/operator").text
    assert dashboards.operator.post(path).status_code == 404


@pytest.mark.usefixtures("unmoved")
def test_the_sandbox_clock_moves_forward_only(dashboards: Dashboards) -> None:
    for days in ("0", "-1", "401", "x", ""):
        assert dashboards.operator.post("/operator/clock", days=days).status_code == 422
    assert dashboards.operator.post("/operator/clock", days="2").status_code == 303
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        row = uow.session.get_one(SandboxClock, 1)
        assert row.ahead_s >= 2 * 86_400
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        uow.session.execute(delete(SandboxClock))


def test_a_dead_job_is_shown_and_lives_again(dashboards: Dashboards) -> None:
    job_id = uuid7()
    job = {"id": job_id, "kind": RELEASE, "queue": "default", "dedupe_key": str(job_id), "payload": {}}
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        uow.session.add(Job(**job, state="dead", run_at=clock.now(), attempts=12, last_error="TimeoutError"))
    assert f"/operator/jobs/{job_id}/replay" in dashboards.operator.get("/operator").text
    assert dashboards.seller.post(f"/operator/jobs/{job_id}/replay").status_code == 403
    answer = dashboards.operator.post(f"/operator/jobs/{job_id}/replay")
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator")
    assert dashboards.stage.get(Job, job_id).state == "ready"
    again = dashboards.operator.post(f"/operator/jobs/{job_id}/replay")
    assert again.status_code == 404
    assert "has not been given up" in text_of(again)
