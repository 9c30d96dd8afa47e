"""What operators and payers write about bank transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from billing.bank.ask_return import ask_return
from billing.bank.gateway import TOKEN, BankTransferGateway
from billing.bank.models import BANK_TRANSFER, BankTransfer
from billing.bank.settle_line import ReturnMoney
from kernel.db.uow import transact
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from tests.bank_files import ACCOUNT, Entry, generic

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

LINE = "/v1/operator/bank/lines/{line_id}"


def bank_transfers(world: World) -> None:
    """An account, files, and everything that can be said of their lines. The clock is frozen by the caller."""
    ask, stage, operator = world.walk.ask, world.stage, world.operator
    stage.services.gateways[BANK_TRANSFER] = BankTransferGateway(stage.services.db)  # type: ignore[index]
    account = {"code": f"c-{uuid7().hex[-10:]}", "currency": "CNY", "holder": "平台", "bank_name": "银行"}
    account |= {"account_number": ACCOUNT}
    account_id = ask("POST /v1/operator/bank/accounts", operator, account)["id"]
    ask("PUT /v1/operator/bank/accounts/{account_id}", operator, account, account_id=account_id)
    asked = [_asked(world) for _ in range(2)]
    ask("POST /v1/payments/{payment_id}/transfer/withdraw", world.purchaser, payment_id=asked[1].payment_id)
    stage.run()
    gross = asked[0].amount_minor
    over, unknown, fee = _imported(world, account_id, gross + 500, 70, -90)
    said = {"amount": gross, "remark_code": asked[0].remark_code, "reason": "a third party pays"}
    ask(f"POST {LINE}/assign", operator, said, line_id=over)
    ask(f"POST {LINE}/return", operator, {"amount": 500, "reason": "too much"}, line_id=over)
    ask(f"POST {LINE}/write-off", operator, {"amount": 90, "reason": "fee of the bank"}, line_id=fee)
    ask(f"POST {LINE}/return", operator, {"amount": 70, "reason": "not ours"}, line_id=unknown)
    _returned_above_the_limit(world, account_id)
    items = ask("GET /v1/operator/bank/outgoing", operator, state="to_send", limit=100)["items"]
    mine = {one["amount"]["amount"]: one for one in items if one["account_code"] == account["code"]}
    (left,) = _imported(world, account_id, -500)
    code = {"remark_code": mine[500]["remark_code"], "reason": "no code in its remark"}
    ask(f"POST {LINE}/match", operator, code, line_id=left)
    sent = {"outcome": "sent", "bank_reference": "TX-9"}
    ask("POST /v1/operator/bank/outgoing/{outgoing_id}/confirm", operator, sent, outgoing_id=mine[70]["id"])


def _returned_above_the_limit(world: World, account_id: str) -> None:
    """One is withdrawn, one approved by somebody who did not ask for it."""
    ask, services = world.walk.ask, world.services
    above = services.settings.payout_second_person_above * 100 + 1
    (line,) = _imported(world, account_id, above)
    asker = Principal(PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.payouts"}))
    back = ReturnMoney(UUID(line), above, "not ours")
    for act in ("withdraw", "approve"):
        waiting = transact(services.db, asker, lambda uow: ask_return(uow, back, above // 100))
        assert waiting is not None
        ask(f"POST /v1/operator/bank/returns/{{return_id}}/{act}", world.operator, return_id=waiting.id)


def _imported(world: World, account_id: str, *amounts: int) -> list[str]:
    """The ids of new lines with these amounts."""
    upload = {"file": generic([Entry(minor, "?", name="Third", reference=uuid7().hex) for minor in amounts])}
    world.walk.ask(
        "POST /v1/operator/bank/accounts/{account_id}/statements",
        world.operator,
        upload,
        "multipart/form-data",
        account_id=account_id,
    )
    items = world.walk.ask("GET /v1/operator/bank/lines", world.operator, state="open", limit=100)["items"]
    own = {one["amount"]["amount"]: one["id"] for one in items if one["account_id"] == account_id}
    return [own[minor] for minor in amounts]


def _asked(world: World) -> BankTransfer:
    """What a payer was asked for."""
    stage = world.stage
    command = PlacePurchase(stage.quote(), stage.profile, BANK_TRANSFER, TOKEN)
    purchase_id = transact(stage.services.db, stage.purchaser, lambda uow: place_purchase(uow, command).purchase.id)
    stage.run()
    (payment,) = stage.payments(purchase_id)
    found: list[BankTransfer] = stage.rows(select(BankTransfer).where(BankTransfer.payment_id == payment.id))
    return found[0]
