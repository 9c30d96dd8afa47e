"""Draw an offer as PDF in both languages, store the files, and remember what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from billing.documents.model import Language
from billing.documents.offer import OfferDocument, OfferDocumentLine
from billing.documents.parties import DocumentParty
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone
from kernel.jobs.context import JobClaim
from kernel.jobs.kinds import call
from kernel.jobs.outbox import enqueue
from kernel.storage import Storage
from marketplace.parties.lookups import Party, get_party
from marketplace.pricing.words import Language as WordsLanguage
from marketplace.pricing.words import line_in_words, price_in_words
from orders.offers.models import Offer
from orders.offers.queries import OfferLineView, OfferView, get_offer, offer_to_draw

DRAW = "orders.offer.draw"
LANGUAGES = (Language.ZH, Language.EN)
RENDER_TIMEOUT_S = 60.0
_TERMS = {0: ("", ""), 1: ("期限 1 个月", "Term of 1 month")}


class OfferRenderer(Protocol):
    """Draws a document as PDF in a process of its own."""

    def render(self, document: OfferDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


@dataclass(frozen=True, slots=True)
class OfferFile:
    """Where an offer's file lies and what it is to be called."""

    key: str
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _ToDraw:
    offer_id: UUID
    documents: tuple[OfferDocument, ...]


class DrawOffer:
    """The steps of a job that draws one offer. What has been stored is never written again."""

    def __init__(self, storage: Storage, renderer: OfferRenderer) -> None:
        self._storage = storage
        self._renderer = renderer

    def prepare(self, uow: UnitOfWork, claim: JobClaim) -> _ToDraw | None:
        """The offer in each language, unless it has its files already."""
        offer_id = UUID(claim.payload["offer_id"])
        if uow.session.get_one(Offer, offer_id).files:
            return None
        offer = offer_to_draw(uow, offer_id)
        seller, buyer = get_party(uow, offer.seller_org_id), get_party(uow, offer.buyer_org_id)
        return _ToDraw(offer_id, tuple(to_document(offer, seller, buyer, language) for language in LANGUAGES))

    def call(self, request: _ToDraw) -> dict[str, dict[str, str]]:
        """Draw each, and store what was drawn."""
        found = {}
        for document in request.documents:
            name = f"offers/{document.issued_on.year}/{request.offer_id}.{document.language.value.lower()}.pdf"
            stored = self._storage.put_bytes(name, self._renderer.render(document, RENDER_TIMEOUT_S))
            found[document.language.value] = {"key": stored.key, "sha256": stored.sha256}
        return found

    def conclude(self, uow: UnitOfWork, claim: JobClaim, request: _ToDraw, answer: dict[str, dict[str, str]]) -> None:
        """Remember the files."""
        del claim
        offer = lock_row(uow.session, Offer, request.offer_id)
        if offer is not None and not offer.files:
            offer.files = answer


def register(storage: Storage, renderer: OfferRenderer) -> None:
    """Register the job. `renderer` is called in processes that serve the queue `documents`."""
    call(DRAW, queue="documents")(DrawOffer(storage, renderer))


def draw_offer(uow: UnitOfWork, offer_id: UUID) -> None:
    """Let it be drawn. Idempotent by: the offer, while that job waits."""
    enqueue(uow, DRAW, {"offer_id": str(offer_id)}, dedupe_key=str(offer_id))


def find_offer_file(uow: UnitOfWork, offer_id: UUID, language: str, *, sells: bool) -> OfferFile:
    """Where the file of an offer is that the acting organization made, or else was made.

    Raises: NotFound `offer_not_found`; Conflict `offer_file_not_ready`, it has not been drawn yet; Gone `offer_not_sent`: there
    is none of what its buyer never got.
    """
    offer = get_offer(uow, offer_id, sells=sells, countered=False)
    if not offer.is_shown:
        raise Gone("offer_not_sent")
    files = uow.session.get_one(Offer, offer_id).files
    if language not in files:
        raise Conflict("offer_file_not_ready")
    number = number_of(offer, get_party(uow, offer.seller_org_id).time_zone)
    return OfferFile(files[language]["key"], f"offer-{number}.{language}.pdf", files[language]["sha256"])


def number_of(offer: OfferView, time_zone: str) -> str:
    """What both sides call it by: the seller's day, and the end of its id."""
    return f"{offer.created_at.astimezone(ZoneInfo(time_zone)):%Y%m%d}-{offer.id.hex[-10:].upper()}"


def to_document(offer: OfferView, seller: Party, buyer: Party, language: Language) -> OfferDocument:
    """The offer as it is drawn. The buyer is called as the seller knows it. Pure."""
    zone = ZoneInfo(seller.time_zone)
    return OfferDocument(
        number=number_of(offer, seller.time_zone),
        issued_on=offer.created_at.astimezone(zone).date(),
        valid_on=(offer.valid_until - timedelta(seconds=1)).astimezone(zone).date(),
        currency=offer.currency.strip(),
        language=language,
        seller=DocumentParty(legal_name=seller.legal_name, country=seller.country.strip(), tax_id=seller.tax_id or ""),
        buyer=DocumentParty(legal_name=offer.buyer_name, country=buyer.country.strip()),
        lines=tuple(_line(one, language, offer, zone) for one in offer.lines),
        total_minor=offer.total_minor,
        terms=offer.terms,
    )


def _parts(line: OfferLineView, *, english: bool) -> str:
    if line.instalments == 1:
        return ""
    return f", paid in {line.instalments} instalments" if english else f"，分 {line.instalments} 次付款"


def _line(line: OfferLineView, language: Language, offer: OfferView, zone: ZoneInfo) -> OfferDocumentLine:
    english = language is Language.EN
    title = (line.title_en or line.title) if english else (line.title or line.title_en)
    plan = (line.plan_name_en or line.plan_name) if english else (line.plan_name or line.plan_name_en)
    months = (f"期限 {line.term_months} 个月", f"Term of {line.term_months} months")
    note = _TERMS.get(line.term_months, months)[1 if english else 0]
    note += _parts(line, english=english)
    if line.term_months:
        note += _contract(offer, zone)[1 if english else 0]
    return OfferDocumentLine(
        name=f"{title} · {plan}",
        note=note,
        price_unit=line.price_unit if line.own_price is None else "first_term",
        quantity=line.quantity,
        at_least=offer.takes_more and line.sold_by_seat,
        unit_price_minor=line.unit_price_minor,
        list_price_minor=line.list_price_minor,
        total_minor=line.total_minor,
        tax_included=line.tax_included,
        untaxed_net=line.tax_included and line.untaxed_price == "net",
        details=_details(line, "en" if english else "zh-CN"),
    )


def _contract(offer: OfferView, zone: ZoneInfo) -> tuple[str, str]:
    """When what recurs ends for good, in both languages."""
    terms = offer.contract_terms
    if offer.contract_ends_at is not None:
        day = (offer.contract_ends_at - timedelta(seconds=1)).astimezone(zone).date()
        return (
            f" · {day} 到期终止，首期按时间少收，一次付清",
            f" · ends on {day}; the first term is as much shorter, costs as much less and is paid in one",
        )
    if terms is None:
        return "", ""
    return (
        f" · 合同共 {terms} 期，到期终止",
        f" · contract of {terms} {'term' if terms == 1 else 'terms'}, then it ends",
    )


def _details(line: OfferLineView, language: WordsLanguage) -> tuple[str, ...]:
    """What each part of an own price costs, and how the first term's amount comes about."""
    if line.own_price is None:
        return ()
    parts = (line_in_words(part, line.interval, line.currency, language) for part in line.price_lines)
    return (*price_in_words(line.own_price, language), *parts)
