"""From which amounts on an organization's purchases need an approver: seen by who buys, set by who manages members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.amounts import typed_amount
from api.pages.frame.approval_words import category_name
from api.pages.frame.choices import Choice
from api.pages.frame.named_product import named_product
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.frame.translations import translations
from api.pages.purchase_rules.views import RuleShown, RulesView, RuleTyped
from api.problems import headers_of
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from kernel.money import CURRENCIES, Money, to_decimal
from marketplace.catalog.categories import CATEGORIES
from orders.approval_rules.set_rule import Scope, SetRule, remove_rule, set_rule
from orders.checkout.approval_reasons import spent_this_month
from orders.queries import RuleView, list_rules

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
    """Set a rule, new or not: of everything in a currency, or of what is of one seller or category."""
    typed = RuleTyped(
        currency=form.text("currency", most=3),
        max_order=form.text("max_order", most=40),
        max_month=form.text("max_month", most=40),
        self_approval=form.text("self_approval") == "yes",
        category=form.text("category", most=40),
        product=form.text("product", most=500),
    )
    new = form.text("new", most=10)
    seller_org_id = _identifier(form)
    key = {"yes": "new", "scoped": "scoped"}.get(new) or _key(typed.currency, seller_org_id, typed.category)
    try:
        max_order = typed_amount(typed.max_order, typed.currency, field="max_order")
        max_month = typed_amount(typed.max_month, typed.currency, field="max_month")
        if new == "scoped" and bool(typed.category) == bool(typed.product):
            raise Invalid("rule_scope_invalid", field="category")

        def work(uow: UnitOfWork) -> None:
            seller = named_product(uow, typed.product).org_id if typed.product else seller_org_id
            category = typed.category or None
            set_rule(uow, SetRule(typed.currency, max_order, typed.self_approval, max_month, seller, category))

        page_request.transact(work)
    except DomainError as refused:
        view = _refused(_view(page_request), typed, key)
        field = getattr(refused, "field", None) or ""
        view = replace(view, error=failure(page_request, refused), error_field=field)
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(addresses.PURCHASE_RULES, notice="purchase_rule_set")


@form_post("/purchase-rules/{currency:str}/remove", MANAGE)
def delete_rule(currency: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let purchases in a currency, or what of them the rule counts, go without a limit again; done twice, it stays so."""
    scope = Scope(currency, _identifier(form), form.text("category", most=40) or None)
    page_request.transact(lambda uow: remove_rule(uow, scope))
    return page_request.redirect(addresses.PURCHASE_RULES, notice="purchase_rule_removed")


def _identifier(form: Form) -> UUID | None:
    typed = form.text("seller_org_id", most=36)
    return parse_uuid_or_404(typed) if typed else None


def _key(currency: str, seller_org_id: UUID | None, category: str | None) -> str:
    return "-".join(str(part) for part in (currency, seller_org_id, category) if part)


def _refused(view: RulesView, typed: RuleTyped, key: str) -> RulesView:
    """The page with what was typed where it was typed."""
    if key == "scoped":
        return replace(view, scoped=typed, wrong=key)
    if not any(one.key == key for one in view.rules):
        return replace(view, typed=typed, wrong="new")
    rules = tuple(replace(one, typed=typed) if one.key == key else one for one in view.rules)
    return replace(view, rules=rules, wrong=key)


def _view(page_request: PageRequest) -> RulesView:
    with page_request.work() as uow:
        rules = list_rules(uow)
        spent = spent_this_month(uow, page_request.time_zone) if rules else {}
    words = translations(page_request.language)
    names = words.locale.currencies
    known = {rule.currency for rule in rules if rule.seller_org_id is None and rule.category is None}
    ordered = sorted(CURRENCIES, key=lambda code: (FIRST.index(code) if code in FIRST else len(FIRST), code))
    return RulesView(
        rules=tuple(_shown(page_request, rule, names, spent) for rule in rules),
        currencies=tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in ordered if code not in known),
        may_change=page_request.principal.may(MANAGE),
        typed=RuleTyped(),
        categories=tuple(Choice(one, words.word("category", one)) for one in CATEGORIES),
        scoped_currencies=FIRST,
        scoped=RuleTyped(product=page_request.query("product", most=200)),
    )


def _shown(page_request: PageRequest, rule: RuleView, names: Mapping[str, str], spent: dict[str, int]) -> RuleShown:
    currency = rule.currency
    return RuleShown(
        currency=currency,
        name=names.get(currency, currency),
        key=_key(currency, rule.seller_org_id, rule.category),
        subject=category_name(page_request, rule.category) if rule.category else rule.seller_name or "",
        seller_org_id=str(rule.seller_org_id or ""),
        category=rule.category or "",
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
