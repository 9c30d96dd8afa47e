"""A visitor gives its badge to a booth, or the exhibitor asks by the badge's code: given, it is a lead with consent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.platform_scope import as_platform, reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.access.counted_limits import Limit, count_within
from marketplace.catalog.models import Listing
from marketplace.halls.booths import lock_own_booth
from marketplace.halls.consent_text import CONSENT_VERSION, consent_text, require_consent
from marketplace.halls.events import BadgeAsked, BadgeRevoked
from marketplace.halls.models import Hall, HallBooth, HallBoothItem
from marketplace.halls.register import find_own_badge, forget_badge, own_badge, shown_booth
from marketplace.halls.visitor_models import CONTACT, EXCHANGE, HallBadge, HallExchange
from marketplace.leads.create_lead import Contact, CreateLead, create_lead
from marketplace.leads.messages import forget_contact

GIVEN = Limit(100, timedelta(days=1))
"""Of one person: every booth of a large hall."""
READ = Limit(1_000, timedelta(days=1))
"""Of one exhibitor: a busy day; far too few to try out codes."""
LEAD_VERSION = f"hall-{CONSENT_VERSION}"
"""How a lead names the words that were agreed to with a badge: its own consent has a version of the same kind."""


@dataclass(frozen=True, slots=True)
class GiveBadge:
    """To which booth, under which words. `listing_id`: the product of the booth that it is about; the first one without."""

    booth_id: UUID
    consent_version: str
    listing_id: UUID | None = None
    text: str = ""
    locale: str = "zh-CN"


def give_badge(uow: UnitOfWork, command: GiveBadge) -> HallExchange:
    """Give the acting visitor's badge to a booth of an open hall: what it says goes to the exhibitor, as a lead.

    Given already, nothing changes; asked for, it answers yes.

    Raises:
        Forbidden: `person_required`. NotFound: `booth_not_found`. TooMany: `badges_given_too_often`.
        Conflict: `badge_required` (not registered), `hall_not_open`, `own_booth`, `booth_without_products`, `consent_outdated`.
        Invalid: `consent_required`, `booth_listing_unknown`.

    Emits: as `create_lead`. Locks: the badge, the exchange, as `create_lead`. Idempotent by: booth and badge.
    """
    uow.principal.person()
    booth, hall = shown_booth(uow, command.booth_id)
    if find_own_badge(uow, hall.id) is None:
        raise Conflict("badge_required")
    badge = own_badge(uow, hall.id, lock=True)
    assert badge is not None  # noqa: S101 - it was found above
    if badge.visitor_org_id == booth.exhibitor_org_id:
        raise Conflict("own_booth")
    exchange = _standing(uow, booth.id, badge.id)
    if exchange is not None and exchange.state == "given":
        return exchange
    _require_open(hall)
    require_consent(command.consent_version)
    listing_id = _listing(uow, booth, command.listing_id)
    with as_platform(uow):
        count_within(uow, GIVEN, "badges_given_too_often", "badges_given", str(badge.person_id))
    words = consent_text("exchange", command.locale, booth.exhibitor_name)
    contact = Contact(badge.name, badge.email, LEAD_VERSION, badge.phone, command.locale, consent_text=words)
    lead = create_lead(uow, CreateLead("consult", listing_id, command.text, contact=contact, by_badge=True))
    if exchange is None:
        exchange = _new(badge, booth, by_exhibitor=False)
        EXCHANGE.begin(uow, exchange, "given", org_ids=exchange.parties)
    else:
        EXCHANGE.move(uow, exchange, "given", org_ids=exchange.parties)
    for name in CONTACT:
        setattr(exchange, name, getattr(badge, name))
    exchange.consent_version, exchange.consent_text = CONSENT_VERSION, words
    exchange.consented_at = exchange.given_at = clock.now()
    exchange.lead_id = lead.id
    uow.session.add(exchange)
    uow.flush()
    return exchange


def ask_badge(uow: UnitOfWork, booth_id: UUID, code: str) -> HallExchange:
    """The exhibitor has read a badge: its bearer is asked. Asked or given already, nothing changes.

    Raises:
        as `lock_own_booth`; NotFound: `badge_not_found`: no registered visitor of this hall has it.
        Conflict: `booth_not_accepted`, `hall_not_open`, `own_booth`, `badge_refused` (its bearer said no, or took it back).
        TooMany: `badges_read_too_often`.

    Emits: BadgeAsked. Locks: the booth, the badge. Idempotent by: booth and badge.
    """
    booth = lock_own_booth(uow, booth_id)
    if booth.state != "accepted":
        raise Conflict("booth_not_accepted")
    typed = "".join(code.split()).replace("-", "").upper()
    with as_platform(uow):
        count_within(uow, READ, "badges_read_too_often", "badges_read", str(booth.exhibitor_org_id))
        hall = uow.session.get_one(Hall, booth.hall_id)
        _require_open(hall)
        wanted = select(HallBadge.id).where(HallBadge.code == typed, HallBadge.hall_id == booth.hall_id)
        found = uow.session.scalar(wanted)
        badge = lock_rows(uow.session, HallBadge, [found])[0] if found is not None else None
    if badge is None or badge.state != "registered":
        raise NotFound("badge_not_found")
    if badge.visitor_org_id == booth.exhibitor_org_id:
        raise Conflict("own_booth")
    exchange = _standing(uow, booth.id, badge.id)
    if exchange is not None:
        return exchange
    refused = select(HallExchange.id).where(HallExchange.booth_id == booth.id, HallExchange.badge_id == badge.id)
    if uow.session.scalar(refused.limit(1)) is not None:
        raise Conflict("badge_refused")
    exchange = _new(badge, booth, by_exhibitor=True)
    EXCHANGE.begin(uow, exchange, "asked", org_ids=exchange.parties)
    uow.session.add(exchange)
    uow.flush()
    emit(uow, BadgeAsked(**exchange.fact))
    return exchange


def decline_badge(uow: UnitOfWork, exchange_id: UUID) -> HallExchange:
    """The visitor does not give what was asked for. Done already, nothing changes.

    Raises: as `own_exchange`; Conflict `badge_answered`. Locks: the exchange.
    """
    exchange = own_exchange(uow, exchange_id)
    if exchange.state in {"given", "revoked"}:
        raise Conflict("badge_answered")
    EXCHANGE.move(uow, exchange, "declined", org_ids=exchange.parties)
    uow.flush()
    return exchange


def revoke_badge(uow: UnitOfWork, exchange_id: UUID) -> HallExchange:
    """The visitor takes its contact back: the exhibitor keeps nothing of it, in the lead either. Done already, nothing changes.

    Raises: as `own_exchange`; Conflict `badge_not_given`. Emits: BadgeRevoked. Locks: the exchange, the lead.
    """
    exchange = own_exchange(uow, exchange_id)
    if exchange.state == "revoked":
        return exchange
    if exchange.state != "given":
        raise Conflict("badge_not_given")
    _revoke(uow, exchange)
    return exchange


def withdraw_badge(uow: UnitOfWork, hall_id: UUID) -> HallBadge:
    """The acting visitor withdraws from a hall: its badge is forgotten, and everything that it gave to booths taken back.

    Raises: Forbidden `person_required`; NotFound `badge_not_found`. Emits: BadgeRevoked. Locks: the badge, the exchanges,
    the leads. Idempotent by: the badge.
    """
    badge = own_badge(uow, hall_id, lock=True)
    if badge is None:
        raise NotFound("badge_not_found")
    standing = select(HallExchange.id).where(
        HallExchange.badge_id == badge.id, state_in(HallExchange.state, "asked", "given")
    )
    for exchange in lock_rows(uow.session, HallExchange, uow.session.scalars(standing).all()):
        if exchange.state == "given":
            _revoke(uow, exchange)
        else:
            EXCHANGE.move(uow, exchange, "declined", org_ids=exchange.parties)
    forget_badge(uow, badge)
    return badge


def revoke_badges_of(uow: UnitOfWork, lead_id: UUID) -> None:
    """The acting organization withdrew the request: the badges that its people gave with it are taken back.

    Emits: BadgeRevoked. Locks: the exchanges. Idempotent by: the exchanges.
    """
    given = select(HallExchange.id).where(
        HallExchange.visitor_org_id == uow.principal.organization(),
        HallExchange.lead_id == lead_id,
        state_in(HallExchange.state, "given"),
    )
    for exchange in lock_rows(uow.session, HallExchange, uow.session.scalars(given).all()):
        _revoke(uow, exchange)


def _revoke(uow: UnitOfWork, exchange: HallExchange) -> None:
    EXCHANGE.move(uow, exchange, "revoked", org_ids=exchange.parties)
    email, phone = exchange.email, exchange.phone
    for name in CONTACT:
        setattr(exchange, name, "")
    exchange.consent_version = exchange.consent_text = exchange.consented_at = None
    uow.flush()
    if exchange.lead_id is not None:
        forget_contact(uow, exchange.lead_id, email, phone)
    emit(uow, BadgeRevoked(**exchange.fact))


def _new(badge: HallBadge, booth: HallBooth, *, by_exhibitor: bool) -> HallExchange:
    return HallExchange(
        id=uuid7(),
        booth_id=booth.id,
        badge_id=badge.id,
        org_id=booth.org_id,
        exhibitor_org_id=booth.exhibitor_org_id,
        visitor_org_id=badge.visitor_org_id,
        by_exhibitor=by_exhibitor,
        created_at=clock.now(),
        **dict.fromkeys(CONTACT, ""),
    )


def _standing(uow: UnitOfWork, booth_id: UUID, badge_id: UUID) -> HallExchange | None:
    wanted = select(HallExchange.id).where(
        HallExchange.booth_id == booth_id,
        HallExchange.badge_id == badge_id,
        state_in(HallExchange.state, "asked", "given"),
    )
    found = uow.session.scalar(wanted)
    return lock_row(uow.session, HallExchange, found) if found is not None else None


def own_exchange(uow: UnitOfWork, exchange_id: UUID) -> HallExchange:
    """Of the acting person's badge. Raises NotFound(`badge_exchange_not_found`), Forbidden(`person_required`). Locks: it."""
    person_id = uow.principal.person()
    exchange = lock_row(uow.session, HallExchange, exchange_id)
    badge = uow.session.get(HallBadge, exchange.badge_id) if exchange is not None else None
    if (
        exchange is None
        or badge is None
        or exchange.visitor_org_id != uow.principal.organization()
        or badge.person_id != person_id
    ):
        raise NotFound("badge_exchange_not_found")
    return exchange


def hall_of_exchange(uow: UnitOfWork, exchange: HallExchange) -> UUID:
    """In which hall it was made."""
    return uow.session.get_one(HallBadge, exchange.badge_id).hall_id


def _require_open(hall: Hall) -> None:
    """Raises Conflict(`hall_not_open`)."""
    if hall.state != "published" or not hall.opens_at <= clock.now() < hall.closes_at:
        raise Conflict("hall_not_open")


def _listing(uow: UnitOfWork, booth: HallBooth, wanted: UUID | None) -> UUID:
    """The product that the lead is about. Raises Conflict(`booth_without_products`), Invalid(`booth_listing_unknown`)."""
    with reading_as_platform(uow):
        shown = (
            uow.session.scalars(
                select(HallBoothItem.listing_id)
                .join(Listing, Listing.id == HallBoothItem.listing_id)
                .where(HallBoothItem.booth_id == booth.id, Listing.state == "published")
                .order_by(HallBoothItem.position)
            )
        ).all()
    on_show = [one for one in shown if one is not None]
    if not on_show:
        raise Conflict("booth_without_products")
    if wanted is None:
        return on_show[0]
    if wanted not in on_show:
        raise Invalid("booth_listing_unknown", field="listing_id")
    return wanted
