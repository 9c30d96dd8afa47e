"""Who pays for whom: proposed, accepted, given other limits, ended."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses, payer_addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.choices import Choice
from api.pages.frame.payment_methods import method_in_words, parse_method
from api.pages.frame.phrases import failure, money
from api.pages.frame.prices import amount_as_typed
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.payers.methods import payer_methods
from api.pages.payers.views import PayerAgreementItem, PayersView, TypedPayer
from api.pages.videos.presenter import named_organization
from api.problems import headers_of
from api.schema import run_command
from api.v1.payer_agreements import PayerAgreementOut, ProposePayerIn
from api.v1.payer_charges import payer_way
from kernel.errors import DomainError, NotFound
from kernel.ids import uuid7
from kernel.money import CURRENCIES
from marketplace.payers.agree import (
    PERMISSION,
    PayerLimits,
    ProposeAgreement,
    accept_agreement,
    change_limits,
    end_agreement,
    propose_agreement,
)
from marketplace.payers.queries import PayerAgreementRow, get_agreement, list_agreements
from orders.payers.decide_charge import set_standing_method
from orders.payers.queries import standing_methods

FIELDS = tuple(asdict(TypedPayer()))


@page(payer_addresses.PAYERS, PERMISSION)
def show_payers(page_request: Given[PageRequest]) -> Response[str]:
    """Agreements, the newest first, and the form that proposes one."""
    return page_request.render(_view(page_request))


@form_post(payer_addresses.PAYERS, PERMISSION)
def propose(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Propose that one of the two pays for the other; pressed twice, it is proposed once."""
    typed = TypedPayer(**{name: form.values.get(name, "")[:200] for name in FIELDS})
    try:
        limits = _limits(form, typed.currency)
        org_id = named_organization(page_request, typed.partners)
        command = ProposeAgreement(org_id, typed.side == "payer", typed.currency, typed.invoice_to, limits)
        asked = ProposePayerIn.model_construct(
            organization_id=org_id,
            by_payer=command.by_payer,
            currency=command.currency,
            invoice_to="orderer" if typed.invoice_to == "orderer" else "payer",
            monthly_limit=limits.monthly_limit_minor,
            order_limit=limits.order_limit_minor,
        )
        made = run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            asked,
            lambda uow: PayerAgreementOut.of(get_agreement(uow, propose_agreement(uow, command).id)),
            route=f"POST {payer_addresses.PAYERS}",
        )
    except DomainError as refused:
        view = replace(_view(page_request), typed=typed)
        return _refused(page_request, view, refused)
    begun = msgspec.json.decode(made.body)["state"] == "active"
    return page_request.redirect(payer_addresses.PAYERS, notice="payer_accepted" if begun else "payer_proposed")


@form_post("/payers/{agreement_id:uuid}/{act:str}", PERMISSION)
def answer(
    agreement_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Accept, change the limits or the standing method, or end it."""
    if act not in ("accept", "limits", "end", "method"):
        raise NotFound("not_found")
    try:
        with page_request.work() as uow:
            found = get_agreement(uow, agreement_id)
        limits = _limits(form, found.currency) if found.is_payer and act in ("accept", "limits") else None
        if act == "accept":
            page_request.transact(lambda uow: accept_agreement(uow, agreement_id, limits).id)
        elif act == "limits":
            page_request.transact(lambda uow: change_limits(uow, agreement_id, limits or PayerLimits()).id)
        elif act == "method":
            act = _set_method(page_request, form, agreement_id)
        else:
            page_request.transact(lambda uow: end_agreement(uow, agreement_id).id)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_view(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    done = {
        "accept": "payer_accepted",
        "limits": "payer_limits_changed",
        "end": "payer_ended",
        "method": "payer_method_saved",
        "no_method": "payer_method_removed",
    }
    return page_request.redirect(payer_addresses.PAYERS, notice=done[act])


def _set_method(page_request: PageRequest, form: Form, agreement_id: UUID) -> str:
    """What is kept of it: a method, or none."""
    chosen = form.values.get("payment_method_id", "")
    way = payer_way(page_request.services, *parse_method(chosen)) if chosen else None
    page_request.transact(lambda uow: set_standing_method(uow, agreement_id, way))
    return "method" if way is not None else "no_method"


def _view(page_request: PageRequest) -> PayersView:
    with page_request.work() as uow:
        found = list_agreements(uow, cursor=page_request.query("cursor", most=200) or None)
        standing = standing_methods(uow)
    t, ways = page_request.t, payer_methods(page_request)
    return PayersView(
        rows=tuple(_item(page_request, one, standing.get(one.id), ways) for one in found.items),
        address=payer_addresses.PAYERS,
        currencies=tuple(Choice(one, one) for one in CURRENCIES),
        sides=(Choice("payer", t("payers.we_pay")), Choice("orderer", t("payers.they_pay"))),
        titles=(Choice("payer", t("payers.title_payer")), Choice("orderer", t("payers.title_orderer"))),
        methods=(Choice("", t("payers.ask_each")), *ways),
        charges=payer_addresses.CHARGES,
        next_address=addresses.next_page(payer_addresses.PAYERS, found.next_cursor),
        idempotency_key=str(uuid7()),
    )


def _item(
    page_request: PageRequest, one: PayerAgreementRow, method: tuple[str, str] | None, ways: tuple[Choice, ...]
) -> PayerAgreementItem:
    agreement_id, standing = str(one.id), one.state != "ended"
    by_reader = one.by_payer is one.is_payer
    monthly, order = one.monthly_limit_minor, one.order_limit_minor
    return PayerAgreementItem(
        id=agreement_id,
        name=one.org_name if one.is_payer else one.payer_name,
        state=one.state,
        is_payer=one.is_payer,
        by_reader=by_reader,
        invoice_to=one.invoice_to,
        at=one.ended_at or one.accepted_at or one.created_at,
        currency=one.currency,
        monthly_limit=None if monthly is None else money(monthly, one.currency),
        order_limit=None if order is None else money(order, one.currency),
        monthly_typed="" if monthly is None else amount_as_typed(monthly, one.currency),
        order_typed="" if order is None else amount_as_typed(order, one.currency),
        accept=payer_addresses.agreement(agreement_id, "accept") if one.may_answer else "",
        end=payer_addresses.agreement(agreement_id, "end") if standing else "",
        end_act="end" if one.state == "active" else "withdraw" if by_reader else "decline",
        limits=payer_addresses.agreement(agreement_id, "limits") if standing and one.is_payer else "",
        method=":".join(method) if method is not None else "",
        method_said=method_in_words(page_request, *method, ways) if method is not None else "",
        set_method=payer_addresses.agreement(agreement_id, "method") if one.state == "active" and one.is_payer else "",
        by_right=one.by_right,
    )


def _limits(form: Form, currency: str) -> PayerLimits:
    monthly, order = (
        typed_amount(form.values.get(name, ""), currency, field=name) for name in ("monthly_limit", "order_limit")
    )
    return PayerLimits(monthly, order)


def _refused(page_request: PageRequest, view: PayersView, refused: DomainError) -> Response[str]:
    """The form again, with what is wrong where it was typed."""
    named = getattr(refused, "field", None) or "partners"
    shown = replace(view, error_field=named, field_error=failure(page_request, refused))
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [show_payers, propose, answer]
