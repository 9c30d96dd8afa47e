"""What a buyer was sent or had drawn of an order stands in its trace and on its page: for the buyer and the operator alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from billing.bank.gateway import BankTransferGateway
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.documents.model import Language
from billing.on_account.dun_payers import SWEEP_DUNNING
from billing.on_account.gateway import OnAccountGateway
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import NotFound
from kernel.principal import Principal
from orders.papers.draw_paper import AskPaper, PaperKind, find_or_draw
from orders.tracing.model import Node
from orders.tracing.trace import trace
from tests.factories_marketplace import OPERATOR_PRINCIPAL
from tests.loop.test_on_account import Account
from tests.loop_stage import Stage

KINDS = ("payment_request", "dunning_notice", "sale_paper")


@pytest.fixture
def owing(stage: Stage) -> Iterator[Account]:
    made = {BANK_TRANSFER: BankTransferGateway(stage.services.db), ON_ACCOUNT: OnAccountGateway(stage.services.db)}
    stage.services.gateways.update(made)  # type: ignore[attr-defined]
    account = Account(stage)
    account.grant(term_days=10)
    yield account
    stage.run()
    for name in made:
        del stage.services.gateways[name]  # type: ignore[attr-defined]


def papers(stage: Stage, who: Principal, any_id: UUID) -> list[Node]:
    with unit_of_work(stage.services.db, who) as uow:
        return [one for one in trace(uow, any_id).nodes if one.kind in KINDS]


def draw(stage: Stage, kind: PaperKind, subject_id: UUID) -> None:
    command = AskPaper(kind, subject_id, Language.EN)
    transact(stage.services.db, stage.purchaser, lambda uow: find_or_draw(uow, command))
    stage.run(documents=True)


def files(client: TestClient[Any], any_id: UUID) -> dict[str, dict[str, str]]:
    """Of a trace, the files by kind of node; a letter's rather than a reminder's, which has none."""
    nodes = client.get(f"/v1/trace/{any_id}").json()["nodes"]
    return {one["kind"]: one["files"] for one in nodes if one["files"]}


def test_requests_letters_and_receipts_are_traced_and_opened_by_their_payer(
    owing: Account, browser: TestClient[Any], seller_browser: TestClient[Any]
) -> None:
    stage = owing.stage
    purchase_id = owing.owe()
    (order,) = stage.orders_of(purchase_id)
    asked = owing.asked(purchase_id)
    for days in (8, 4):
        clock.advance(timedelta(days=days))
        stage.tick(SWEEP_DUNNING, documents=True)
    found = papers(stage, stage.purchaser, order.id)
    assert [(one.kind, one.state) for one in found] == [
        ("payment_request", "awaited"),
        ("dunning_notice", "reminder"),
        ("dunning_notice", "letter"),
    ]
    assert {one.facts["to"] for one in found} == {asked.payer_name}
    assert [one.after for one in found] == [(asked.payment_id,), (asked.id,), (asked.id,)]
    for start in (one.id for one in found):
        assert papers(stage, stage.purchaser, start) == found
        assert papers(stage, OPERATOR_PRINCIPAL, start) == found
    assert papers(stage, stage.seller.owner, order.id) == []
    for stranger in (stage.seller.owner, stage.promoter.owner):
        with pytest.raises(NotFound):
            papers(stage, stranger, found[-1].id)
    mine = files(browser, order.id)
    assert {kind: sorted(each) for kind, each in mine.items()} == {kind: ["en", "zh-CN"] for kind in KINDS[:2]}
    for each in mine.values():
        for path in each.values():
            assert browser.get(path).content.startswith(b"%PDF")
            assert seller_browser.get(path).status_code in (403, 404)
    assert files(seller_browser, order.id) == {}
    for page in (f"/orders/{order.id}", f"/trace/{order.id}"):
        shown = browser.get(page, headers={"accept-language": "en"}).text
        assert mine["dunning_notice"]["en"] in shown
        assert mine["payment_request"]["en"] in shown
        assert "letter after the due day" in shown
    owing.pay(asked)
    draw(stage, "receipt", asked.payment_id)
    (receipt,) = (one for one in papers(stage, stage.purchaser, order.id) if one.kind == "sale_paper")
    assert (receipt.state, receipt.after, receipt.facts["paper"]) == ("drawn", (asked.payment_id,), "receipt")
    assert receipt.title.startswith("RC-")
    assert receipt in papers(stage, stage.purchaser, receipt.id)
    path = files(browser, order.id)["sale_paper"]["en"]
    assert browser.get(path).content.startswith(b"%PDF")
    assert path in browser.get(f"/orders/{order.id}").text


def test_a_pro_forma_invoice_of_what_waits_is_traced_before_anything_is_paid(stage: Stage) -> None:
    order_id = stage.buy(method="sbx_timeout")
    purchase_id = stage.order(order_id).purchase_id
    draw(stage, "purchase_pro_forma", purchase_id)
    (found,) = papers(stage, stage.purchaser, order_id)
    assert (found.facts["paper"], found.after, found.facts["languages"]) == (
        "purchase_pro_forma",
        (purchase_id,),
        ["en"],
    )
    with pytest.raises(NotFound):
        papers(stage, stage.seller.owner, found.id)
