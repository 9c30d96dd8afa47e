"""What the reader's organization pays for others: approved by a method of its own, or declined; and its months."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses, payer_addresses
from api.pages.frame.payment_methods import parse_method
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.payers.methods import payer_methods
from api.pages.payers.views import PayerChargeItem, PayerChargesView, PayerMonthItem, PayerOrderItem
from api.problems import headers_of
from api.v1.payer_charges import payer_way
from kernel.errors import DomainError, NotFound
from marketplace.payers.agree import PERMISSION
from orders.payers.decide_charge import approve_charge, decline_charge
from orders.payers.queries import PayerChargeRow, PayerMonthRow, list_charges, list_months


@page(payer_addresses.CHARGES, PERMISSION)
def show_charges(page_request: Given[PageRequest]) -> Response[str]:
    """Purchases, the newest first, and the months."""
    return page_request.render(_view(page_request))


@form_post("/payers/charges/{charge_id:uuid}/{act:str}", PERMISSION)
def decide(
    charge_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Pay it, or not. Sent twice, the second finds it decided."""
    if act not in ("approve", "decline"):
        raise NotFound("not_found")
    try:
        if act == "approve":
            way = payer_way(page_request.services, *parse_method(form.text("payment_method_id", most=200)))
            page_request.transact(lambda uow: approve_charge(uow, charge_id, way).id)
        else:
            reason = form.values.get("reason", "")[:500]
            page_request.transact(lambda uow: decline_charge(uow, charge_id, reason).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    done = "payer_charge_approved" if act == "approve" else "payer_charge_declined"
    return page_request.redirect(payer_addresses.CHARGES, notice=done)


def _view(page_request: PageRequest) -> PayerChargesView:
    with page_request.work() as uow:
        found = list_charges(uow, cursor=page_request.query("cursor", most=200) or None)
        months = list_months(uow)
    return PayerChargesView(
        rows=tuple(_item(page_request, one) for one in found.items),
        months=tuple(_month(one) for one in months),
        methods=payer_methods(page_request),
        export=payer_addresses.EXPORT,
        back=payer_addresses.PAYERS,
        next_address=addresses.next_page(payer_addresses.CHARGES, found.next_cursor),
    )


def _item(page_request: PageRequest, one: PayerChargeRow) -> PayerChargeItem:
    failed = one.state == "approved" and one.payment_state == "failed"
    waits = one.purchase_state == "pending_payment" and (one.state == "asked" or failed)
    return PayerChargeItem(
        id=str(one.id),
        name=one.org_name,
        state=one.state,
        at=one.decided_at or one.created_at,
        amount=money(one.amount_minor, one.currency),
        refunded=money(one.refunded_minor, one.currency) if one.refunded_minor else None,
        orders=tuple(
            PayerOrderItem(
                order.number,
                order.seller_name,
                " · ".join(page_request.pick(zh, en) for zh, en in order.titles),
                order.state,
                money(order.gross_minor, one.currency),
            )
            for order in one.orders
        ),
        documents=tuple(
            (document.number, payer_addresses.document(str(one.id), str(document.id)) if document.is_drawn else "")
            for document in one.documents
        ),
        failed=failed,
        reason=one.decline_reason or "",
        approve=payer_addresses.charge(str(one.id), "approve") if waits else "",
        decline=payer_addresses.charge(str(one.id), "decline") if waits and not failed else "",
    )


def _month(one: PayerMonthRow) -> PayerMonthItem:
    limit, left = (None if minor is None else money(minor, one.currency) for minor in (one.limit_minor, one.left_minor))
    ordered, refunded = money(one.ordered_minor, one.currency), money(one.refunded_minor, one.currency)
    documents = payer_addresses.month_documents(one.month, str(one.org_id))
    return PayerMonthItem(one.month, one.org_name, one.purchases, ordered, refunded, limit, left, documents)


routes = [show_charges, decide]
