"""What buyers and sellers say to each other in a market's past: requests, offers, demos, reviews and questions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.sample.history import acts
from app.sample.history.world import World, participant
from fulfillment.customer_reviews.models import CustomerReview
from fulfillment.customer_reviews.moderate_review import answer_review
from fulfillment.customer_reviews.write_review import WriteReview, write_review
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.principal import Principal
from marketplace.content_reports.report_content import ReportContent, report_content
from marketplace.demos.book_demo import book_demo
from marketplace.demos.calendar import free_slots
from marketplace.demos.end_request import plan_request, withdraw_request
from marketplace.leads.consent_text import CONSENT_VERSION
from marketplace.leads.create_lead import Contact, CreateLead, create_lead
from marketplace.leads.messages import send_message
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead, add_note
from marketplace.questions.ask_question import answer_question, ask_question
from marketplace.questions.models import ProductQuestion
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan

Work = Callable[[UnitOfWork], object]


def said(world: World, act: acts.RequestTalk) -> tuple[Principal, Work]:
    """Who says it about a request, and its transaction."""
    buyer, seller = world.purchaser(act.buyer), world.seller(act.product)
    match act:
        case acts.Ask():
            return buyer, _ask(world, act)
        case acts.Reply():
            return (seller if act.by_seller else buyer), lambda uow: _reply(world, act, uow)
        case acts.OfferPrice():
            return seller, lambda uow: _offer(world, act, uow)
        case acts.TakeBack():
            return seller, lambda uow: withdraw_offer(uow, _open_offer(world, act, uow).id)
        case acts.TakeOffer():
            return buyer, lambda uow: _take(world, act, uow)
        case acts.GiveUp():
            return (seller if act.by_seller else buyer), lambda uow: _give_up(world, act, uow)
    raise TypeError(act)


def said_in_public(world: World, act: acts.PublicTalk) -> tuple[Principal, Work]:
    """Who reviews, asks or answers in everybody's sight, and its transaction."""
    buyer, seller, listing_id = world.purchaser(act.buyer), world.seller(act.product), world.listing_id(act.product)
    match act:
        case acts.GiveStars():
            return buyer, lambda uow: write_review(uow, WriteReview(listing_id, act.stars, _words(act, act.words)))
        case acts.AnswerReview():
            return seller, lambda uow: answer_review(uow, _review(world, act, uow), _words(act, act.words))
        case acts.ReportReview():
            return world.purchaser(act.by), lambda uow: report_content(
                uow, ReportContent("review", _review(world, act, uow), act.reason)
            )
        case acts.Wonder():
            return buyer, lambda uow: ask_question(uow, listing_id, _words(act, act.words))
        case acts.Explain():
            return seller, lambda uow: answer_question(uow, _question(world, act, uow), _words(act, act.words))
    raise TypeError(act)


def _words(act: acts.Talk, words: acts.Words) -> str:
    """In the buyer's language: the seller answers in it."""
    return words[participant(act.buyer).locale == "en"]


def _ask(world: World, act: acts.Ask) -> Work:
    listing_id = world.listing_id(act.product)
    plan_id = world.plan_id(act.product) if act.quantity else None
    film = world.film(act.clip) if act.clip else None
    who = participant(act.buyer)
    person = next((one for one in who.people if one.role == "purchaser"), who.people[0])
    contact = Contact(person.name, person.email, CONSENT_VERSION, "", who.locale) if act.gives_contact else None

    def work(uow: UnitOfWork) -> None:
        asked = CreateLead(
            act.kind,
            listing_id,
            _words(act, act.words),
            plan_id,
            act.quantity,
            film.placement_id if film else None,
            (film.start_ms + film.end_ms) // 2 if film else None,
            contact,
        )
        lead = create_lead(uow, asked)
        if act.slot is not None:
            book_demo(uow, lead.id, free_slots(uow, lead.seller_org_id)[act.slot].starts_at)

    return work


def _reply(world: World, act: acts.Reply, uow: UnitOfWork) -> None:
    lead = _lead(world, act, uow)
    send_message(uow, lead.id, _words(act, act.words))
    if act.note:
        add_note(uow, lead.id, act.note)
        due_on = (clock.now() + timedelta(days=7)).date()
        plan_request(uow, PlanLead(lead.id, uow.principal.person(), due_on))


def _offer(world: World, act: acts.OfferPrice, uow: UnitOfWork) -> None:
    lead = _lead(world, act, uow)
    until = (clock.now() + timedelta(days=act.days)).date()
    plan_id = lead.plan_id or world.plan_id(act.product)
    make_offer(
        uow, MakeOffer(lead.id, (OfferedPlan(plan_id, lead.quantity or 1, discount_ppm=act.discount_ppm),), until)
    )


def _take(world: World, act: acts.TakeOffer, uow: UnitOfWork) -> None:
    quote = quote_offer(uow, QuoteOffer(_open_offer(world, act, uow).id))
    uow.flush()
    profile_id = world.profile_id(act.buyer)
    place_purchase(uow, PlacePurchase(quote.id, profile_id, "sandbox", "sbx_ok", act.po_number))


def _give_up(world: World, act: acts.GiveUp, uow: UnitOfWork) -> None:
    lead = _lead(world, act, uow)
    if act.by_seller:
        plan_request(uow, PlanLead(lead.id, lead.assigned_to, lead.due_on, "lost"))
    else:
        withdraw_request(uow, lead.id)


def _lead(world: World, act: acts.Talk, uow: UnitOfWork) -> Lead:
    """The latest request of the buyer about the product."""
    own = Lead.buyer_org_id == world.org_id(act.buyer)
    about = Lead.listing_id == world.listing_id(act.product)
    return uow.session.scalars(select(Lead).where(own, about).order_by(Lead.created_at.desc()).limit(1)).one()


def _open_offer(world: World, act: acts.Talk, uow: UnitOfWork) -> Offer:
    lead = _lead(world, act, uow)
    return uow.session.scalars(select(Offer).where(Offer.lead_id == lead.id, Offer.state == "open")).one()


def _review(world: World, act: acts.Talk, uow: UnitOfWork) -> UUID:
    own = CustomerReview.org_id == world.org_id(act.buyer)
    about = CustomerReview.listing_id == world.listing_id(act.product)
    return uow.session.scalars(select(CustomerReview.id).where(own, about)).one()


def _question(world: World, act: acts.Talk, uow: UnitOfWork) -> UUID:
    """The first of the buyer about the product that is not answered."""
    own = ProductQuestion.org_id == world.org_id(act.buyer)
    about = ProductQuestion.listing_id == world.listing_id(act.product)
    left = ProductQuestion.answered_at.is_(None)
    found = select(ProductQuestion.id).where(own, about, left).order_by(ProductQuestion.created_at).limit(1)
    return uow.session.scalars(found).one()
