"""The ways to pay that a page offers. A method is named `gateway:token`; the token is the gateway's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.frame.translations import translations
from billing.bank.gateway import TOKEN as TRANSFER
from billing.bank.models import BANK_TRANSFER
from billing.credit_lines.models import ON_ACCOUNT
from billing.credit_lines.queries import offered_terms
from billing.gateways.call import Gateways
from billing.gateways.sandbox import NAME as SANDBOX
from billing.on_account.gateway import TOKEN as TERMS
from billing.payment_methods.keep import keeper_of
from billing.payment_methods.queries import PaymentMethodRow, list_payment_methods
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.money import Money

SANDBOX_TOKENS = ("sbx_ok", "sbx_delayed", "sbx_requires_action", "sbx_insufficient", "sbx_declined")
"""Offered on pages; docs/sandbox.md lists them all."""


def methods(
    page_request: PageRequest, gateways: Gateways, uow: UnitOfWork | None = None, *, currency: str = ""
) -> tuple[Choice, ...]:
    """What the visitor may choose among: what is kept for the organization, the default first, and the gateway's own page.
    The sandbox gateway says of itself what will happen. `currency`: of what is to be paid, where that is known. Without a unit of
    work one is opened where something may be kept.
    """
    keepers = {name: keeper for name in gateways if (keeper := keeper_of(gateways, name)) is not None}
    if not keepers and ON_ACCOUNT not in gateways:
        return _others(page_request, gateways)
    if uow is None:
        with page_request.work() as own:
            return methods(page_request, gateways, own, currency=currency)
    kept = tuple(
        Choice(f"{one.gateway}:{one.token}", kept_in_words(page_request, one), leads=True)
        for one in list_payment_methods(uow)
        if one.gateway in keepers and not one.has_expired
    )
    t = page_request.t
    hosted = tuple(
        Choice(f"{name}:{token}", said, leads=True)
        for name, keeper in keepers.items()
        for token, said in (
            (keeper.hosted, t("payment_method.hosted.once")),
            (keeper.hosted_kept, t("payment_method.hosted.kept")),
        )
    )
    on_account = _terms(page_request, uow, currency) if ON_ACCOUNT in gateways else ()
    return (*kept, *hosted, *_others(page_request, gateways), *on_account)


def _terms(page_request: PageRequest, uow: UnitOfWork, currency: str) -> tuple[Choice, ...]:
    """On account, by each open line of credit: what is left of it, or why nothing goes on it now."""
    t, way = page_request.t, f"{ON_ACCOUNT}:{TERMS}"
    found = []
    for one in offered_terms(uow):
        if currency not in ("", one.currency):
            continue
        if one.refused is not None:
            found.append(Choice(way, t(f"pay_with.refused.{one.refused}", currency=one.currency), refused=True))
            continue
        left = page_request.formats.money(Money(one.available_minor, one.currency))
        label = t("pay_with.terms", currency=one.currency, days=one.term_days)
        found.append(Choice(way, f"{label} · {t('pay_with.terms_left', amount=left)}"))
    return tuple(found)


def _others(page_request: PageRequest, gateways: Mapping[str, object]) -> tuple[Choice, ...]:
    found: list[Choice] = []
    if SANDBOX in gateways:
        found += [Choice(f"{SANDBOX}:{token}", page_request.t(f"pay_with.{token}")) for token in SANDBOX_TOKENS]
    if BANK_TRANSFER in gateways:
        found.append(Choice(f"{BANK_TRANSFER}:{TRANSFER}", page_request.t(f"pay_with.{TRANSFER}")))
    return tuple(found)


def kept_in_words(page_request: PageRequest, one: PaymentMethodRow) -> str:
    """A kept method: brand and last digits, or its kind."""
    words = translations(page_request.language)
    if one.kind == "card":
        brand = words.texts.get(f"word.card_brand.{one.brand}", one.brand.replace("_", " ").title())
        return page_request.t("payment_method.kind.card", brand=brand, last=one.last_four)
    kind = words.texts.get(f"word.method_kind.{one.kind}", one.kind.replace("_", " ").title())
    if one.last_four:
        return page_request.t("payment_method.kind.other_numbered", kind=kind, last=one.last_four)
    return page_request.t("payment_method.kind.other", kind=kind)


def method_in_words(page_request: PageRequest, gateway: str, token: str, ways: Sequence[Choice] = ()) -> str:
    """A stored method as the visitor would choose it, by itself or among `ways`; of any other, its gateway's name."""
    if gateway == SANDBOX and token in SANDBOX_TOKENS:
        return page_request.t(f"pay_with.{token}")
    offered = next((one.label for one in ways if one.id == f"{gateway}:{token}"), None)
    if offered is not None:
        return offered
    return translations(page_request.language).word("gateway", gateway)


def parse_method(chosen: str) -> tuple[str, str]:
    """Gateway and token of a chosen method. Raises Invalid(`validation_failed`)."""
    gateway, _, token = chosen.partition(":")
    if not gateway or not token:
        raise Invalid("validation_failed", field="payment_method_id")
    return gateway, token


def leads_payer(gateways: Gateways, gateway: str) -> bool:
    """Whether a payment through it may lead its payer to another's page at once."""
    return keeper_of(gateways, gateway) is not None
