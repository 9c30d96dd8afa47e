"""From which amounts on an organization's purchases need an approver: seen by who buys, set by who manages members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.frame.translations import translations
from api.pages.purchase_rules.views import RuleShown, RulesView, RuleTyped
from api.problems import headers_of
from kernel.errors import DomainError
from kernel.money import CURRENCIES, Money, to_decimal
from orders import queries
from orders.approval_rules.models import PurchaseRule
from orders.approval_rules.set_rule import SetRule, remove_rule, set_rule
from orders.checkout.approval_reasons import spent_this_month

Answer = Response[str] | Response[bytes]
MANAGE = "members.manage"
FIRST = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP", "SGD")
"""What is mostly bought in here heads the list."""


@page(addresses.PURCHASE_RULES, "orders.read")
def show_rules(page_request: Given[PageRequest]) -> Answer:
    """The rules in words, with what this month has used of each."""
    return page_request.render(_view(page_request))


@form_post(addresses.PURCHASE_RULES, MANAGE)
def save_rule(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Set the rule of a currency, new or not."""
    typed = RuleTyped(
        currency=form.text("currency", most=3),
        max_order=form.text("max_order", most=40),
        max_month=form.text("max_month", most=40),
        self_approval=form.text("self_approval") == "yes",
    )
    is_new = form.text("new") == "yes"
    try:
        command = SetRule(
            typed.currency,
            typed_amount(typed.max_order, typed.currency, field="max_order"),
            typed.self_approval,
            typed_amount(typed.max_month, typed.currency, field="max_month"),
        )
        page_request.transact(lambda uow: set_rule(uow, command))
    except DomainError as refused:
        view = _refused(_view(page_request), typed, "" if is_new else typed.currency)
        field = getattr(refused, "field", None) or ""
        view = replace(view, error=failure(page_request, refused), error_field=field)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.PURCHASE_RULES, notice="purchase_rule_set")


@form_post("/purchase-rules/{currency:str}/remove", MANAGE)
def delete_rule(currency: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let purchases in a currency go without a limit again; done twice, it stays so."""
    del form
    page_request.transact(lambda uow: remove_rule(uow, currency))
    return page_request.redirect(addresses.PURCHASE_RULES, notice="purchase_rule_removed")


def _refused(view: RulesView, typed: RuleTyped, currency: str) -> RulesView:
    """The page with what was typed where it was typed."""
    if not any(one.currency == currency for one in view.rules):
        return replace(view, typed=typed, wrong_currency="")
    rules = tuple(replace(one, typed=typed) if one.currency == currency else one for one in view.rules)
    return replace(view, rules=rules, wrong_currency=currency)


def _view(page_request: PageRequest) -> RulesView:
    with page_request.work() as uow:
        rules = queries.find_rule_of(uow)
        spent = spent_this_month(uow, page_request.time_zone) if rules else {}
    names = translations(page_request.language).locale.currencies
    known = {rule.currency.strip() for rule in rules}
    ordered = sorted(CURRENCIES, key=lambda code: (FIRST.index(code) if code in FIRST else len(FIRST), code))
    return RulesView(
        rules=tuple(_shown(rule, names, spent) for rule in rules),
        currencies=tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in ordered if code not in known),
        may_change=page_request.principal.may(MANAGE),
        typed=RuleTyped(),
    )


def _shown(rule: PurchaseRule, names: Mapping[str, str], spent: dict[str, int]) -> RuleShown:
    currency = rule.currency.strip()
    return RuleShown(
        currency=currency,
        name=names.get(currency, currency),
        max_order=_limit(rule.max_order_minor, currency),
        max_month=_limit(rule.max_month_minor, currency),
        spent=money(spent.get(currency, 0), currency),
        self_approval=rule.self_approval,
        typed=RuleTyped(
            currency, _plain(rule.max_order_minor, currency), _plain(rule.max_month_minor, currency), rule.self_approval
        ),
    )


def _limit(amount_minor: int | None, currency: str) -> Money | None:
    return None if amount_minor is None else money(amount_minor, currency)


def _plain(amount_minor: int | None, currency: str) -> str:
    return "" if amount_minor is None else f"{to_decimal(amount_minor, currency):,f}"


routes = [show_rules, save_rule, delete_rule]
