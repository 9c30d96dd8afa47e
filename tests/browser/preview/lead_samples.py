"""Sample views of requests to sellers: the form, the buyer's list, the seller's board, and one request for both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from api.pages.customers.views import CustomerEntitlement, CustomerItem, CustomerPage, CustomersView
from api.pages.frame import addresses, lead_addresses
from api.pages.frame.choices import Choice
from api.pages.leads.handlers import STATES
from api.pages.leads.views import (
    AskSellerView,
    AskTyped,
    BoardView,
    DemoDayItem,
    DemoHoursView,
    FollowContactView,
    LeadItem,
    LeadPage,
    LeadsView,
    MeetingItem,
    SellerLeadPage,
    Written,
)
from api.pages.offers.form import MORE_LINES
from api.pages.offers.views import (
    CounterItem,
    CounterLineTyped,
    OfferForms,
    OfferItem,
    OfferLineItem,
    OfferLineTyped,
    OfferPage,
    OfferTyped,
)
from api.pages.orders.views import OrderItem
from kernel.money import Money
from marketplace.leads.consent_text import CONSENT_VERSION, FOLLOW_VERSION, consent_text
from orders.customer_list import STATES as CUSTOMER_STATES
from orders.offers.models import DECLINE_REASONS
from tests.browser.preview.buying_samples import ID, Samples, cny

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def ask(s: Samples, kind: str = "quote") -> AskSellerView:
    """The form, empty."""
    return AskSellerView(
        kind=kind,
        address=addresses.product_ask(ID.format(21), kind),
        back=addresses.product(ID.format(21)),
        listing_name=s.hiring,
        seller_name=s.seller,
        consent=consent_text(s.language, s.seller),
        consent_version=CONSENT_VERSION,
        typed=AskTyped(),
    )


def follow_contact(s: Samples) -> FollowContactView:
    """A channel's seller is asked to get in touch."""
    return FollowContactView(
        address=lead_addresses.channel_contact(ID.format(5)),
        back=addresses.channel(ID.format(5)),
        channel_name=s.seller,
        seller_name=s.seller,
        consent=consent_text(s.language, s.seller, "follow"),
        consent_version=FOLLOW_VERSION,
        typed=AskTyped(),
        products=(Choice(ID.format(21), s.hiring),),
        chosen=ID.format(21),
    )


def refused(s: Samples) -> AskSellerView:
    """A contact was given without consent."""
    typed = AskTyped(
        s.pick("20 席，年付。", "Twenty seats, yearly."), "20", s.pick("林晓", "Lin Xiao"), "lin@firm.example"
    )
    said = s.pick("请同意此项，或不填写联系方式。", "Agree to this, or leave the contact empty.")
    return replace(ask(s), typed=typed, error_field="agreed", field_error=said)


def item(s: Samples, *, sells: bool, kind: str = "quote", state: str = "answered") -> LeadItem:
    """One request in a list."""
    address = addresses.seller_lead(ID.format(61)) if sells else addresses.request(ID.format(61))
    return LeadItem(address, kind, state, s.hiring, s.buyer if sells else s.seller, _AT)


def own(s: Samples) -> LeadPage:
    """A buyer's, answered."""
    return LeadPage(
        address=addresses.request(ID.format(61)),
        back=addresses.REQUESTS,
        item=item(s, sells=False),
        is_open=True,
        contact=(s.pick("林晓", "Lin Xiao"), "lin@firm.example", "+86 571 8800 1234"),
        consent=consent_text(s.language, s.seller),
        quantity=20,
        messages=(
            Written(s.buyer, s.pick("20 席，年付，能优惠吗？", "Twenty seats, yearly. What would it cost?"), _AT),
            Written(s.seller, "https://example.test/" + "a" * 120, _AT),
        ),
        offers=offers(s, sells=False),
        idempotency_key="k",
    )


def offers(s: Samples, *, sells: bool) -> tuple[OfferItem, ...]:
    """One that is open, the one before it with what its buyer proposed, one that was declined, and one that was withdrawn."""
    per = s.pick("席 / 年", "seat / year")
    hiring = OfferLineItem(
        f"{s.hiring} · {s.pick('专业版', 'Pro')}",
        20,
        f"¥169.15 / {per}",
        f"¥199 / {per}",
        cny(338_300),
        tax_included=True,
    )
    rollout = OfferLineItem(
        s.pick("上线服务 · 标准", "Rollout · Standard"), 0, "¥12,000", "", cny(1_200_000), tax_included=False
    )
    first = OfferItem(
        address=addresses.offer(ID.format(71)),
        what=f"{s.hiring} · {s.pick('专业版', 'Pro')}",
        other=s.buyer if sells else s.seller,
        pdf=addresses.offer_pdf(ID.format(71), s.language, sells=sells),
        lines=(hiring,),
        total=cny(338_300),
        state="open",
        until=_AT + timedelta(days=30),
        at=_AT,
        act=addresses.seller_offer(ID.format(71), "/withdraw") if sells else addresses.offer(ID.format(71), "/buy"),
        order="",
    )
    dearer = replace(hiring, price=f"¥180 / {per}", total=cny(360_000))
    ended = replace(first, act="")
    why = s.pick("预算要到明年才有。", "The budget comes next year.")
    both = replace(first, what=f"{hiring.what} + {rollout.what}", lines=(hiring, rollout), total=cny(1_538_300))
    return (
        replace(both, replaces=True, forms=None if sells else forms(hiring.what, rollout.what)),
        replace(ended, state="superseded", counters=(counter(s, per),)),
        replace(ended, state="declined", decline_reason="timing", decline_text=why),
        replace(ended, state="withdrawn", lines=(dearer,), total=cny(360_000)),
    )


def counter(s: Samples, per: str) -> CounterItem:
    """What the buyer would rather take."""
    said = s.pick("三十席的话，希望降到 150 元。", "For thirty seats we hope for 150.")
    return CounterItem((f"30 × ¥150 / {per}",), cny(450_000), said, _AT + timedelta(hours=5))


def forms(*names: str) -> OfferForms:
    """What a buyer may answer."""
    act = ID.format(71)
    lines = tuple(CounterLineTyped(number, name, "169.15", "20") for number, name in enumerate(names, 1))
    return OfferForms(addresses.offer(act, "/decline"), addresses.offer(act, "/counter"), DECLINE_REASONS, lines)


def offer_refused(s: Samples) -> OfferPage:
    """A page of one offer, whose buyer proposed a price above the plan's."""
    one = offers(s, sells=False)[0]
    said = s.pick("单价不正确。请填写不高于规格原价的单价。", "The price is not valid. Give one below the plan's own.")
    return OfferPage(addresses.request(ID.format(61)), True, one, error_field="unit_price_1", field_error=said)


def slots(s: Samples) -> tuple[Choice, ...]:
    """Times to choose from."""
    shown = (
        ("2026年11月24日 10:00", "2026年11月24日 10:30") if s.language == "zh-CN" else ("Nov 24, 2026, 10:00", "10:30")
    )
    return tuple(Choice(f"2026-11-24T0{n}:00:00+00:00", one) for n, one in enumerate(shown, 2))


def sold(s: Samples) -> SellerLeadPage:
    """The same as its seller works with it."""
    seen = own(s)
    nobody = s.pick("尚无负责人", "Nobody yet")
    return SellerLeadPage(
        address=addresses.seller_lead(ID.format(61)),
        back=addresses.SELLER_LEADS,
        item=replace(item(s, sells=True), due_on=date(2026, 11, 30)),
        is_open=True,
        contact=seen.contact,
        consent=seen.consent,
        quantity=20,
        messages=seen.messages,
        notes=(Written(s.pick("陈立", "Chen Li"), s.pick("周一打电话。", "Call on Monday."), _AT),),
        members=(Choice("", nobody), Choice("p1", s.pick("陈立", "Chen Li"))),
        offers=offers(s, sells=True),
        plans=(Choice("p", s.pick("专业版 · ¥199 / 席 / 年", "Pro · ¥199 / seat / year")),),
        offered=OfferTyped(OfferLineTyped("", "p", "20"), tuple(map(OfferLineTyped, MORE_LINES)), "2026-12-31"),
        assigned_to="p1",
        idempotency_key="k",
    )


def lists(s: Samples, *, sells: bool) -> LeadsView:
    """Every kind, in several states."""
    made = (("demo", "new"), ("quote", "answered"), ("consult", "won"))
    rows = [item(s, sells=sells, kind=kind, state=state) for kind, state in made]
    if not sells:
        rows[1] = replace(rows[1], offered=True)
        return LeadsView(addresses.REQUESTS, STATES, "", tuple(rows))
    rows[1] = replace(rows[1], assigned=s.pick("陈立", "Chen Li"), due_on=date(2026, 11, 30), declined=True)
    return BoardView(addresses.SELLER_LEADS, STATES, "", tuple(rows))


def demo(s: Samples) -> LeadPage:
    """A buyer's, with its time."""
    shown = replace(own(s), item=item(s, sells=False, kind="demo"), offers=(), quantity=None)
    meeting = MeetingItem("https://meeting.tencent.com/dm/3kXhTq7Yw2Lp", "tencent", "meeting.tencent.com")
    return replace(shown, booked_at=_AT + timedelta(days=2), slots=slots(s), meeting=meeting)


def demo_sold(s: Samples) -> SellerLeadPage:
    """The same as its seller works with it; its meeting is a company's own."""
    shown = replace(sold(s), item=item(s, sells=True, kind="demo"), offers=(), plans=(), quantity=None)
    address, host = (
        "https://meet.conference-rooms.seller.example/b/" + "a1b2-" * 20,
        "meet.conference-rooms.seller.example",
    )
    shown = replace(shown, booked_at=_AT + timedelta(days=2), slots=slots(s), meeting=MeetingItem(address, "", host))
    return replace(shown, demo_ahead=True, meeting_url=address)


def customer(s: Samples) -> CustomerPage:
    """A customer that bought, uses and asks."""
    order = OrderItem(
        ID.format(31),
        "20261122-0000000001",
        s.hiring,
        s.pick("专业版", "Pro"),
        s.buyer,
        20,
        cny(338_300),
        "active",
        _AT,
    )
    used = CustomerEntitlement(s.hiring, s.pick("专业版", "Pro"), "active", 20, 7, _AT + timedelta(days=365))
    tried = replace(used, state="trial", until=_AT + timedelta(days=9), trial_id=ID.format(73), extendable_days=14)
    leads = tuple(replace(one, customer="") for one in lists(s, sells=True).rows)
    over = replace(used, state="ended", until=_AT, data_kept_until=_AT + timedelta(days=30))
    rows = (used, tried, replace(tried, extendable_days=0, extended_days=7), over)
    at = addresses.seller_customer(ID.format(31), "/trials")
    return CustomerPage(s.buyer, (order,), rows, leads, "/seller/subscriptions", address=at)


def customers(s: Samples) -> CustomersView:
    """One that uses and asks, one that bought in two currencies, one that only asked."""
    sums = (cny(338_300), Money(1_250_000, "USD"))
    at = addresses.seller_customer(ID.format(31))
    other, third = s.pick("上海示例贸易有限公司", "Example Trading GmbH"), "Société Générale d'Essais et de Mesures"
    rows = (
        CustomerItem(at, s.buyer, _AT, 2, _AT + timedelta(days=365), sums[:1], 2, date(2026, 11, 30)),
        CustomerItem(at, other, _AT, 0, None, sums, 0, None),
        CustomerItem(at, third, _AT, 0, None, (), 1, None),
    )
    return CustomersView(CUSTOMER_STATES, "", "", rows)


def demo_hours() -> DemoHoursView:
    """Weekly hours, a day off and a single time."""
    days = (DemoDayItem(date(2026, 12, 25), "", "/x"), DemoDayItem(date(2026, 12, 28), "18:30", "/x"))
    week = (tuple("1234567"), tuple("12345"))
    return DemoHoursView(
        *week,
        "09:00",
        "17:00",
        "30",
        "120",
        "14",
        "Asia/Shanghai",
        days,
        meeting_url="https://meeting.tencent.com/dm/3kXhTq7Yw2Lp",
    )


def buyers_pages(s: Samples) -> dict[str, AskSellerView | FollowContactView | LeadsView | LeadPage | OfferPage]:
    """The buyer's pages by name."""
    return {
        "ask": ask(s),
        "ask-demo": replace(ask(s, "demo"), slots=slots(s), is_asked=True),
        "ask-consult": ask(s, "consult"),
        "ask-refused": refused(s),
        "follow-contact": follow_contact(s),
        "follow-contact-again": replace(follow_contact(s), asked=addresses.request(ID.format(61))),
        "follow-contact-none": replace(follow_contact(s), products=()),
        "requests": lists(s, sells=False),
        "requests-none": replace(lists(s, sells=False), rows=()),
        "request": own(s),
        "offer-refused": offer_refused(s),
        "request-demo": demo(s),
        "request-closed": replace(
            own(s), is_open=False, contact=(), consent="", item=item(s, sells=False, state="won")
        ),
    }


def sellers_pages(s: Samples) -> dict[str, LeadsView | LeadPage | DemoHoursView | CustomersView | CustomerPage]:
    """The seller's pages by name."""
    return {
        "seller-leads": lists(s, sells=True),
        "seller-leads-none": replace(lists(s, sells=True), rows=()),
        "seller-lead": sold(s),
        "seller-lead-demo": demo_sold(s),
        "seller-demo-hours": demo_hours(),
        "seller-customers": customers(s),
        "seller-customers-none": replace(customers(s), rows=()),
        "seller-customer": customer(s),
        "seller-customer-none": replace(customer(s), orders=(), entitlements=(), leads=()),
    }
