"""The tax of a line: decided by the party that the invoice names, when it is quoted and once more when it is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from billing.tax.decision import TaxDecision, TaxParty, tax_for
from billing.tax.line_amounts import line_amounts
from billing.tax.untaxed import with_untaxed_price
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.parties.lookups import InvoiceTitle, Party
from orders.checkout.group_tax import taxed_together
from orders.checkout.in_instalments import as_whole, in_instalments
from orders.checkout.priced_line import InvoiceParty, PricedLine, totals
from orders.checkout.quote_models import Quote
from orders.checkout.selling import sale_parties
from orders.coupons.price_coupons import CouponDiscount, CouponLine, find_discounts


def invoice_party(named: InvoiceTitle | Party) -> InvoiceParty:
    """Whom the invoice names, as a quote keeps it."""
    profile_id = named.id if isinstance(named, InvoiceTitle) else None
    return InvoiceParty(
        billing_profile_id=profile_id,
        legal_name=named.legal_name,
        country=named.country,
        tax_id=named.tax_id,
        registered_in=named.registered_in if isinstance(named, InvoiceTitle) else named.country,
    )


def decide_tax(
    issuer: Party, buyer: InvoiceParty, taxed_as: str, at: datetime, *, included: bool, untaxed: str
) -> TaxDecision:
    """The tax on what `issuer` invoices at `at`, a day of its own calendar. `untaxed`: what the price is where none applies.

    Raises as `tax_for`.
    """
    sells, on = TaxParty(issuer.country, issuer.tax_id or ""), at.astimezone(ZoneInfo(issuer.time_zone)).date()
    buys = TaxParty(country=buyer.country, tax_id=buyer.tax_id or "", registered_in=buyer.registered_in)
    decision = tax_for(sells, buys, taxed_as, on, included=included)
    return with_untaxed_price(decision, sells, taxed_as, on, reduced=untaxed == "net")


def lines_for(uow: UnitOfWork, quote: Quote, buyer: InvoiceParty) -> list[PricedLine]:
    """The lines of a quote as the invoice to `buyer` will have them.

    Where the invoice names another party than was quoted, or the party's country or tax identifier has changed since,
    the tax is decided anew. It may move between net and tax; what is to be paid never changes unseen.

    Raises:
        Conflict: `price_changed`, with what each amount would be: another party pays another total.
    """
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    if buyer.is_taxed_like(InvoiceParty.model_validate(quote.invoice_party)):
        return lines
    taxed = taxed_together([_taxed_again(uow, line, buyer, quote.created_at) for line in lines])
    net_minor, tax_minor, gross_minor = totals([line.whole for line in taxed])
    _, _, quoted_gross_minor = totals([line.whole for line in lines])
    if gross_minor != quoted_gross_minor:
        raise Conflict(
            "price_changed",
            party=buyer.legal_name,
            billing_profile_id=buyer.billing_profile_id,
            currency=quote.currency,
            net_minor=net_minor,
            tax_minor=tax_minor,
            gross_minor=gross_minor,
            quoted_gross_minor=quoted_gross_minor,
        )
    return taxed


def discounted(
    uow: UnitOfWork, lines: list[PricedLine], typed: str, buyer: InvoiceParty, *, of_offer: bool = False
) -> list[PricedLine]:
    """The lines with what coupons take off them, taxed for whom the invoice will name. Raises as `find_discounts`."""
    found = find_discounts(uow, [coupon_line(one) for one in lines], typed, of_offer=of_offer)
    return reduced(uow, lines, found, buyer)


def coupon_line(one: PricedLine) -> CouponLine:
    """What a coupon asks of a line. Pure."""
    return CouponLine(
        one.seller_org_id,
        one.listing_id,
        one.plan_id,
        one.plan_code,
        one.list_minor,
        one.currency,
        at_tier=one.tier is not None,
        live_session_id=one.live_session_id,
        circle_id=one.circle_id,
    )


def reduced(
    uow: UnitOfWork, lines: Sequence[PricedLine], found: Mapping[int, CouponDiscount], buyer: InvoiceParty
) -> list[PricedLine]:
    """The lines with what was found off them, by their places, taxed for whom the invoice will name."""
    after = list(lines)
    for number, off in found.items():
        named = {
            "discount_minor": off.minor,
            "coupon_id": off.coupon_id,
            "coupon": off.coupon,
            "coupon_ppm": off.ppm,
            "coupon_every_term": off.every_term,
            "coupon_until": off.until,
        }
        after[number] = taxed_now(uow, lines[number].model_copy(update=named), buyer)
    return after


def taxed_now(uow: UnitOfWork, line: PricedLine, buyer: InvoiceParty) -> PricedLine:
    """The line at its price less its discount, with the tax of today."""
    return _taxed_again(uow, line, buyer, clock.now())


def _taxed_again(uow: UnitOfWork, line: PricedLine, buyer: InvoiceParty, at: datetime) -> PricedLine:
    issuer = sale_parties(uow, line.selling_model, line.seller_org_id).issuer
    decision = decide_tax(issuer, buyer, line.taxed_as, at, included=line.tax_included, untaxed=line.untaxed_price)
    return taxed(line, decision)


def taxed(line: PricedLine, decision: TaxDecision) -> PricedLine:
    """The line at the same price under another decision. Pure."""
    was_split, line = bool(line.instalments), as_whole(line)
    amounts = line_amounts(line.list_minor, line.discount_minor, decision)
    trial = line.trial.model_copy(update={"after": taxed(line.trial.after, decision)}) if line.trial else None
    changed = line.model_copy(
        update={
            "trial": trial,
            "net_minor": amounts.net_minor,
            "tax_minor": amounts.tax_minor,
            "gross_minor": amounts.gross_minor,
            "tax_rate_ppm": decision.rate_ppm,
            "tax_category": decision.category,
            "tax_reason": decision.reason_code,
            "home_rate_ppm": decision.home_rate_ppm,
        }
    )
    return in_instalments(changed) if was_split else changed
