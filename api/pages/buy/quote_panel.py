"""A quote in the purchase sheet: its lines, what is taken off, taxes, and who has to agree."""

from __future__ import annotations

from api.pages.buy.views import QuotePanel, QuotePanelLine
from api.pages.feed.views import FeedClaim, verdict_of
from api.pages.frame.approval_words import reason_sentence, steps_sentence
from api.pages.frame.discounts import discount_in_words, last_day
from api.pages.frame.end_customers import end_customer_parts
from api.pages.frame.partner_prices import tier_parts
from api.pages.frame.phrases import agreed_terms, explained, schedule
from api.pages.frame.prices import term_key
from api.pages.frame.site import PageRequest
from api.pages.frame.untaxed import tax_note, untaxed_off
from kernel import clock
from kernel.money import Money
from orders.approval_rules.steps import steps_from
from orders.checkout import quote_models
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.priced_line import PricedLine


def quote_view(page_request: PageRequest, quote: quote_models.Quote) -> QuotePanel:
    """A quote with its lines as sentences."""
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    return QuotePanel(
        id=str(quote.id),
        lines=tuple(_panel_line(page_request, line, among=len(lines)) for line in lines),
        net=Money(quote.net_minor, quote.currency),
        tax=Money(quote.tax_minor, quote.currency),
        tax_ppms=tuple(dict.fromkeys(line.tax_rate_ppm for line in lines)),
        gross=Money(quote.gross_minor, quote.currency),
        trial=_trial_text(page_request, lines[0]),
        expires_at=quote.expires_at,
        claims=tuple(
            FeedClaim(
                claim.second_ms // 1000,
                page_request.pick(claim.text, claim.text_en),
                verdict_of(claim.kind, claim.ok, tried=line.trial is not None),
            )
            for line in lines
            for claim in line.claims
        ),
        needs_approval=quote.needs_approval,
        approval_reasons=tuple(
            reason_sentence(page_request, one, quote.currency) for one in reasons_of(quote.approval_reasons)
        ),
        approval_steps=steps_sentence(page_request, steps_from(quote.approval_steps)),
        tax_note=next(filter(None, (tax_note(page_request, line) for line in lines)), None),
        issuers=tuple(dict.fromkeys(line.issuer_name or line.seller_name for line in lines)),
    )


def _trial_text(page_request: PageRequest, line: PricedLine) -> str:
    if line.trial is None:
        return ""
    amount = page_request.formats.money(Money(line.trial.after.gross_minor, line.currency))
    term = page_request.t(f"term.{term_key(line.term_months)}", n=line.term_months)
    if line.trial.converts:
        return page_request.t("trial.converts", days=line.trial.days, amount=amount, term=term)
    return page_request.t("trial.ends", days=line.trial.days, amount=amount, term=term)


def _panel_line(page_request: PageRequest, line: PricedLine, *, among: int) -> QuotePanelLine:
    """With what a coupon takes off below the list price."""
    text = _line_text(page_request, line, among=among)
    first_ends_at = line.first_term.ends_at if line.first_term is not None else None
    parts = explained(page_request, line.price_lines, line.interval, line.currency)
    parts = (
        *parts,
        *end_customer_parts(page_request, line.end_customer),
        *tier_parts(page_request, line.tier, line.currency),
        *schedule(page_request, line.whole.instalments, line.currency, clock.now()),
        *agreed_terms(page_request, 0, first_ends_at),
    )
    off, off_text = untaxed_off(page_request, line)
    if line.coupon_id is None:
        amount = line.list_minor if off is not None else _agreed_minor(line)
        return QuotePanelLine(text, Money(amount, line.currency), parts, untaxed=off, untaxed_text=off_text)
    return QuotePanelLine(
        text,
        Money(line.list_minor, line.currency),
        parts,
        untaxed=off,
        untaxed_text=off_text,
        discount=Money(-line.discount_minor, line.currency),
        discount_text=discount_in_words(
            page_request, line.coupon, every_term=line.coupon_every_term, recurs=line.term_months > 0
        ),
        discount_until=page_request.t("discount.until", day=last_day(page_request, line.coupon_until))
        if line.coupon_until
        else "",
    )


def _agreed_minor(line: PricedLine) -> int:
    """What price times seats comes to after discount: with the tax where the price contains it."""
    return line.gross_minor if line.tax_included else line.net_minor


def _line_text(page_request: PageRequest, line: PricedLine, *, among: int) -> str:
    """Among several each says what it is of."""
    if line.trial is not None:
        return page_request.t("trial.line", days=line.trial.days)
    title, name = page_request.pick(line.title, line.title_en), page_request.pick(line.plan_name, line.plan_name_en)
    what = f"{title} · {name}" if among > 1 else name
    if line.price is not None or not line.sold_by_seat:
        return what
    price = page_request.formats.price(Money(line.unit_price_minor, line.currency))
    period = page_request.t(f"term.{term_key(line.term_months)}", n=line.term_months)
    said = page_request.t("buy.line", price=price, quantity=page_request.formats.number(line.quantity), term=period)
    return f"{what} · {said}" if among > 1 else said
