"""What is written about tax invoices (数电票), by both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.conformance.api_walk import NOBODY
from tests.fapiao_stage import first_document, letter_of, number_fapiaos

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def fapiaos(world: World) -> None:
    """One is refused and asked for again, booked, and taken back in part. The clock is frozen by the caller."""
    ask, stage = world.walk.ask, world.stage
    order_id = stage.buy()
    stage.run()
    (bill,) = stage.papers(order_id)
    wanted = {"invoice_ids": [str(bill.id)], "kind": "special", "remarks": "sbx_quota"}
    request_id = UUID(ask("POST /v1/fapiao-requests", world.buyer, wanted)["id"])
    number_fapiaos(stage, request_id)
    again = {"remarks": "合同 HT-1"}
    ask("POST /v1/fapiao-requests/{fapiao_request_id}/retry", world.buyer, again, fapiao_request_id=request_id)
    number_fapiaos(stage, request_id)
    fapiao_id = first_document(stage, request_id)
    ask("POST /v1/fapiaos/{fapiao_id}/use", world.buyer, fapiao_id=fapiao_id)
    stage.refund(order_id, 5_000)
    stage.run()
    letter_id, decision = letter_of(stage, fapiao_id), {"decision": "confirm"}
    ask("POST /v1/red-letters/{red_letter_id}/decision", world.buyer, decision, red_letter_id=letter_id)
    let_be, released = stage.refund(order_id, 1_000), stage.refund(order_id, 2_000)
    stage.run()
    ask("POST /v1/held-refunds/{refund_id}/withdraw", world.buyer, refund_id=let_be)
    why = {"reason": "the sides do not answer"}
    ask("POST /v1/operator/held-refunds/{refund_id}/release", world.operator, why, refund_id=released)
    titled = stage.buy()
    stage.run()
    (bill,) = stage.papers(titled)
    corrected = {"reason": "typo", "legal_name": "云帆公司"}
    ask("POST /v1/invoices/{invoice_id}/correction", world.buyer, corrected, invoice_id=bill.id)


def invoice_forwards(world: World) -> None:
    """A document is sent on, opened and downloaded by the mail's link, and taken back. The clock is frozen by the caller."""
    ask, stage, to = world.walk.ask, world.stage, "books@accountants.example"
    order_id = stage.buy()
    stage.run(documents=True)
    (bill,) = stage.papers(order_id)
    wanted = {"to": to, "invoice_ids": [str(bill.id)]}
    forward_id = ask("POST /v1/invoice-forwards", world.buyer, wanted)["id"]
    token = {"token": world.proof(to)}
    ask("POST /v1/forwarded-invoices", NOBODY, token)
    ask("POST /v1/forwarded-invoices/files", NOBODY, token)
    ask("POST /v1/forwarded-invoices/pdf", NOBODY, token | {"invoice_id": str(bill.id)})
    ask("POST /v1/invoice-forwards/{forward_id}/revoke", world.buyer, forward_id=forward_id)
