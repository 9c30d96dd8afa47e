"""A document that is not drawn yet has no link that ends in an error, and whoever opens it has it drawn first."""

from __future__ import annotations

from sqlalchemy import func, select

from billing.invoices.draw_first import RENDER_FIRST
from billing.invoices.models import Invoice
from kernel.db.uow import unit_of_work
from kernel.jobs.models import Job
from kernel.principal import SYSTEM
from tests.api.pages.dashboards.conftest import Dashboards, text_of


def test_what_is_being_drawn_says_so_and_is_drawn_first(dashboards: Dashboards) -> None:
    (paper,) = dashboards.stage.papers(dashboards.order_id)
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        row = uow.session.get_one(Invoice, paper.id)
        row.pdf_key = None
    finance = dashboards.buyer
    for path in ("/invoices", f"/invoices?open={paper.id}"):
        page = finance.get(path)
        assert "Being drawn" in text_of(page), path
        assert f"/v1/invoices/{paper.id}/pdf" not in page.text, path
    assert "data-drawing" in page.text
    assert 'http-equiv="refresh"' in page.text
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        waiting = uow.session.scalar(select(func.count()).select_from(Job).where(Job.kind == RENDER_FIRST))
    assert waiting == 1
    with unit_of_work(dashboards.stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Invoice, paper.id).pdf_key = "invoices/drawn.pdf"
    drawn = finance.get(f"/invoices?open={paper.id}")
    assert f"/v1/invoices/{paper.id}/pdf" in drawn.text
    assert "data-drawing" not in drawn.text


def test_a_statement_links_its_commission_invoice_once_it_is_drawn(dashboards: Dashboards) -> None:
    stage = dashboards.stage
    stage.settle()
    (statement,) = stage.statements(stage.seller)
    bill_id = statement.commission_invoice_id
    assert bill_id is not None
    page = dashboards.seller.get(f"/seller/statements/{statement.id}")
    assert "being drawn" in text_of(page).lower()
    assert f"/v1/invoices/{bill_id}/pdf" not in page.text
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        row = uow.session.get_one(Invoice, bill_id)
        row.pdf_key, row.pdf_sha256 = "invoices/drawn.pdf", "0" * 64
    drawn = dashboards.seller.get(f"/seller/statements/{statement.id}")
    assert f"/v1/invoices/{bill_id}/pdf" in drawn.text
    assert "being drawn" not in text_of(drawn).lower()
