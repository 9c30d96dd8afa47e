"""The trace as the vertical line of the loop: each recorded fact a link, each gap a broken one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast, get_args

from api.pages.frame import addresses
from api.pages.frame.codes import in_words, is_code
from api.pages.frame.formats import Formats
from api.pages.frame.phrases import explained, money
from api.pages.frame.site import PageRequest
from api.pages.frame.timeline import Link, LinkKind, LinkState, Timeline, TimelineFact
from api.pages.frame.translations import translations
from api.pages.trace.views import TraceChoice
from api.paper_files import paper_files
from orders.order.untaxed import UntaxedPrice
from orders.tracing.find import Traceable
from orders.tracing.model import Gap, Node, Trace

KINDS = frozenset(get_args(LinkKind))
STATES: Mapping[str, LinkState] = {
    "queued": "waiting",
    "calling": "live",
    "waiting": "live",
    "processing": "live",
    "requires_action": "waiting",
    "unknown": "waiting",
    "created": "waiting",
    "asked": "waiting",
    "refused": "waiting",
    "escalated": "waiting",
    "requested": "waiting",
    "pending": "waiting",
    "to_be_invoiced": "waiting",
    "pending_approval": "waiting",
    "pending_payment": "waiting",
    "fulfilling": "live",
    "scheduled": "waiting",
    "sent": "live",
    "paying": "live",
    "rendering": "live",
    "failed": "failed",
    "dead": "failed",
    "delivery_failed": "failed",
    "rejected": "failed",
    "awaited": "waiting",
    "overdue": "waiting",
    "drawing": "live",
}
"""How a recorded state shows; every other one is a fact that stands."""

_WORDS = {
    "order": "order",
    "purchase": "order",
    "run": "run",
    "entitlement": "entitlement",
    "milestone": "milestone",
    "seat": "seat",
    "episode": "episode",
    "video": "video",
    "share": "share",
    "statement": "statement",
    "payout": "payout",
    "payment": "payment",
    "refund": "refund",
    "refund_case": "refund_case",
    "invoice": "invoice",
    "credit_note": "invoice",
    "commission_invoice": "invoice",
    "unbilled_order": "unbilled_order",
    "approval": "decision",
    "attribution": "rule",
    "touchpoint": "touchpoint",
    "subscription": "subscription",
    "usage": "usage_period",
    "lead": "lead",
    "offer": "offer",
    "payment_request": "payment_request",
    "dunning_notice": "dunning_notice",
    "awaited_payment": "awaited_payment",
    "sale_paper": "paper_state",
}
"""Under which kind of word a node's state is found."""
CASE_READERS = (("operator", "operator.read"), ("buyer", "orders.read"), ("seller", "money.read"))
"""What the sides of a request for a refund need to open its page."""
_OF_A_PART = {
    "ledger_transaction": "ledger",
    "usage_event": "usage",
    "invoice_line": "invoice",
    "statement_line": "statement",
}


def timeline(page_request: PageRequest, found: Trace) -> Timeline:
    """All links in the order of the loop; a gap stands right after the fact it ought to follow."""
    missing: dict[Any, list[Gap]] = {}
    for gap in found.gaps:
        missing.setdefault(gap.after, []).append(gap)
    links: list[Link] = []
    for node in found.nodes:
        links.append(link_of(page_request, node, subject=node.id == found.asked_id))
        links += [_broken(page_request, node, gap) for gap in missing.get(node.id, ())]
    return Timeline(tuple(links))


def choices(page_request: PageRequest, found: Sequence[Traceable]) -> tuple[TraceChoice, ...]:
    """Several with one number, to be told apart by whose number it is."""
    return tuple(
        TraceChoice(addresses.trace(str(one.id)), page_request.t(f"loop.{one.kind}"), one.number, one.of, one.at)
        for one in found
    )


def subject(page_request: PageRequest, found: Trace) -> str:
    """From where the chain was walked, in words: its kind and its number or the end of its id."""
    node = next((one for one in found.nodes if one.id == found.asked_id), None)
    name = str(node.facts.get("number") or node.title) if node else ""
    label = page_request.t(f"loop.{_kind(found.asked_kind)}") if _kind(found.asked_kind) in KINDS else ""
    return page_request.t("trace.subject", kind=label, name=name or f"…{str(found.asked_id)[-8:]}").strip()


def link_of(page_request: PageRequest, node: Node, *, subject: bool = False) -> Link:
    """One recorded fact, for the order's own line, too."""
    formats = page_request.formats
    state: LinkState = STATES.get(node.state or "", "done")
    words = translations(page_request.language)
    tag = words.word(_WORDS[node.kind], node.state) if state == "failed" and node.state and node.kind in _WORDS else ""
    percent = node.facts.get("percent") if node.kind == "run" and state == "live" else None
    return Link(
        kind=cast("LinkKind", _kind(node.kind)),
        state=state,
        at=node.at,
        text=_text(page_request, node),
        id=str(node.id),
        address=_address(page_request, node),
        facts=tuple(_facts(page_request, formats, node)),
        percent=percent,
        tag=tag,
        subject=subject,
    )


def _broken(page_request: PageRequest, node: Node, gap: Gap) -> Link:
    expected = page_request.t(
        "trace.gap", what=page_request.t(f"loop.{_kind(gap.missing)}"), after=page_request.t(f"loop.{_kind(node.kind)}")
    )
    return Link(kind=cast("LinkKind", _kind(gap.missing)), state="broken", broken=expected)


def _kind(kind: str) -> str:
    return _OF_A_PART.get(kind, kind)


def _text(page_request: PageRequest, node: Node) -> str:
    """What it is called, and the word for its state."""
    title = page_request.pick(node.title, node.title_en)
    if node.kind in {"run", "ledger_transaction", "share"}:
        group = {"run": "operation", "share": "share_kind"}.get(node.kind, "posting")
        title = translations(page_request.language).word(group, node.title)
    if node.kind == "sale_paper":
        paper, number = translations(page_request.language).word("paper", node.facts["paper"]), node.title
        title = f"{paper} · {number}" if node.state == "drawn" else paper
    state = (
        translations(page_request.language).word(_WORDS[node.kind], node.state)
        if node.state and node.kind in _WORDS
        else ""
    )
    return " · ".join(part for part in (title, state) if part)


def _facts(page_request: PageRequest, formats: Formats, node: Node) -> list[TimelineFact]:
    found = []
    for name, value in node.facts.items():
        entry = FACTS.get(name)
        if entry is None or value in (None, "", []):
            continue
        label, render = entry
        said = render(page_request, formats, value)
        if isinstance(said, TimelineFact):
            found.append(replace(said, label=label))
        elif said:
            found.append(TimelineFact(label, said))
    return found


def _address(page_request: PageRequest, node: Node) -> str | None:
    if node.kind == "video" and node.state == "published":
        return addresses.video(str(node.id))
    if files := paper_files(page_request.principal, node):
        return files.get(page_request.language, next(iter(files.values())))
    if node.kind == "refund_case":
        for side, permission in CASE_READERS:
            owner = node.facts.get(f"{side}_id")
            if page_request.principal.may(permission) and owner in (None, str(page_request.principal.org_id)):
                return addresses.refunds.case(side, str(node.id))
    return None


def _money(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.money(money(value["amount"], value["currency"]))


def _given_back(page_request: PageRequest, formats: Formats, value: Any) -> str:
    return _money(page_request, formats, value) if value["amount"] else ""


def _moneys(page_request: PageRequest, formats: Formats, value: Any) -> str:
    return " / ".join(_money(page_request, formats, one) for one in value)


def _second(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.second(int(value) // 1000)


def _plain(_visit: PageRequest, _formats: Formats, value: Any) -> str:
    return str(value)


def _identifier(_visit: PageRequest, _formats: Formats, value: Any) -> TimelineFact:
    return TimelineFact("", "", str(value))


def _reason(page_request: PageRequest, _formats: Formats, value: Any) -> TimelineFact:
    """In words; operators, who look it up at the gateway, have the code beside it."""
    said, shows_code = str(value), page_request.principal.may("operator.read")
    return TimelineFact("", in_words(page_request.language, said), said if shows_code and is_code(said) else "")


def _gateway(page_request: PageRequest, _formats: Formats, value: Any) -> str:
    return translations(page_request.language).word("gateway", str(value))


def _count(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.number(int(value)) if value else ""


def _rate(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.rate(int(value))


def _untaxed(page_request: PageRequest, _formats: Formats, value: Any) -> str:
    found = UntaxedPrice(int(value["home_rate_ppm"]), value["price"] == "net")
    return found.in_words(page_request.language) or ""


def _moment(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.moment(datetime.fromisoformat(str(value)))


def _call(page_request: PageRequest, _formats: Formats, value: Any) -> str:
    return translations(page_request.language).word("cta", str(value))


def _language(page_request: PageRequest, _formats: Formats, value: Any) -> str:
    return page_request.t(f"papers.language.{value}")


def _days(_visit: PageRequest, formats: Formats, value: Any) -> str:
    return formats.number(int(value)) if int(value) > 0 else ""


def _priced(page_request: PageRequest, _formats: Formats, value: Any) -> str:
    return " · ".join(explained(page_request, value["lines"], value["interval"], value["currency"]))


FACTS: Mapping[str, tuple[str, Callable[[PageRequest, Formats, Any], str | TimelineFact]]] = {
    "amount": ("amount", _money),
    "gross": ("amount", _money),
    "list": ("list_price", _money),
    "tier": ("tier", _plain),
    "tier_list": ("tier_list", _money),
    "dealer_margin": ("dealer_margin", _money),
    "dealer_margin_ppm": ("dealer_margin_rate", _rate),
    "discount": ("discount", _money),
    "coupon": ("coupon", _plain),
    "net": ("net", _money),
    "tax": ("tax", _money),
    "unit_price": ("unit_price", _money),
    "refunded": ("refunded", _given_back),
    "reversed": ("refunded", _given_back),
    "credited": ("credited", _given_back),
    "used_from": ("from", _moment),
    "used_until": ("until", _moment),
    "revoked_at": ("until", _moment),
    "rate_ppm": ("rate", _rate),
    "untaxed": ("untaxed", _untaxed),
    "issuer": ("issuer", _plain),
    "second_ms": ("second", _second),
    "live_session_id": ("live", _identifier),
    "circle_id": ("circle", _identifier),
    "share_link_id": ("share_link", _identifier),
    "listing_id": ("product", _identifier),
    "channel_id": ("channel", _identifier),
    "start_ms": ("from", _second),
    "end_ms": ("to", _second),
    "watched_ms": ("watched", _second),
    "action": ("action", _call),
    "quantity": ("seats", _count),
    "priced": ("priced", _priced),
    "seats": ("seats", _count),
    "seats_used": ("seats_used", _count),
    "tries": ("tries", _count),
    "claims": ("claims", _count),
    "touchpoints": ("touchpoints", _count),
    "po_number": ("po", _identifier),
    "buyer": ("buyer", _plain),
    "seller": ("seller", _plain),
    "gateway": ("method", _gateway),
    "destination": ("destination", _identifier),
    "external_id": ("reference", _identifier),
    "reason": ("reason", _reason),
    "failure": ("failure", _reason),
    "error": ("failure", _reason),
    "releasable_at": ("expected", _moment),
    "postings": ("postings", _moneys),
    "asked": ("asked", _money),
    "granted": ("granted", _money),
    "answer": ("answer", _plain),
    "answered_at": ("answered", _moment),
    "appeal": ("appeal", _plain),
    "escalated_at": ("escalated", _moment),
    "decision": ("decision", _plain),
    "decided_at": ("decided", _moment),
    "deadline_at": ("until", _moment),
    "month": ("period", _plain),
    "due_at": ("expected", _moment),
    "ended_at": ("ended", _moment),
    "owed": ("owed", _money),
    "to": ("addressee", _plain),
    "remark_code": ("reference", _identifier),
    "language": ("language", _language),
    "pay_by": ("pay_by", _moment),
    "days": ("days_overdue", _days),
    "days_overdue": ("days_overdue", _days),
}
"""A node's fact → its label under `fact.` and how its value is said. Facts not named here stay in the JSON answer."""
