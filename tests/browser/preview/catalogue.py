"""Every page with sample data, by name, and the chrome around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from api.language import Language
from api.pages.frame.navigation import Area
from api.pages.frame.rendering import Chrome, FlashMessage, OrganizationChoice, View
from api.pages.operator.views import Queue
from api.pages.promoter_earnings.views import PromoterEarningsView
from tests.browser.preview import (
    analytics_samples,
    announcement_samples,
    bank_samples,
    book_samples,
    circle_samples,
    clock_samples,
    comment_samples,
    coupon_samples,
    course_samples,
    credit_samples,
    dealer_list_samples,
    department_samples,
    dispute_samples,
    end_customer_samples,
    fapiao_samples,
    feedback_samples,
    form_samples,
    forward_samples,
    gateway_samples,
    group_samples,
    hall_samples,
    lead_samples,
    live_samples,
    method_samples,
    month_samples,
    offer_samples,
    on_account_samples,
    order_sheet_samples,
    outside_samples,
    paper_samples,
    partner_samples,
    payee_tax_samples,
    payer_samples,
    payout_samples,
    policy_samples,
    promoter_samples,
    recurring_samples,
    referral_samples,
    refund_samples,
    reliability_samples,
    reseller_samples,
    response_card_samples,
    robot_samples,
    service_samples,
    talk_samples,
    ticket_samples,
    training_samples,
    trial_samples,
    usage_samples,
    webhook_samples,
)
from tests.browser.preview.account_samples import AccountSamples
from tests.browser.preview.listing_samples import listing_pages, review_pages
from tests.browser.preview.notification_samples import NotificationSamples
from tests.browser.preview.product_samples import product_pages
from tests.browser.preview.selling_samples import DeskSamples

BUYER: frozenset[Area] = frozenset({"buyer", "approver", "member", "finance", "asker"})
SELLER: frozenset[Area] = frozenset({"seller", "films", "sales", "leads", "coupons", "own_halls", "earnings"})
PROMOTER: frozenset[Area] = frozenset({"channel_films", "promoter"})
EVERYTHING: frozenset[Area] = BUYER | SELLER | PROMOTER | {"operator", "tracer"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One page to look at."""

    view: View
    areas: frozenset[Area]
    notice: FlashMessage | None = None
    refresh_s: int = 0


def clear(queue: Queue) -> Queue:
    """The queue with nothing in it."""
    return replace(queue, count=0, oldest_s=None, late=False, address=None)


@cache
def samples(language: Language) -> dict[str, Sample]:
    """All pages in one language, made once: they do not change."""
    s, told, account = DeskSamples(language), NotificationSamples(language), AccountSamples(language)
    paid = FlashMessage("good", s.pick("已收到您的决定。", "Your decision is recorded."))
    operator: frozenset[Area] = frozenset({"operator", "reviewer", "tracer"})
    made: dict[str, Sample] = {
        "sign-in": Sample(account.sign_in(), frozenset()),
        "dead-link": Sample(account.dead_link(), frozenset()),
        "members": Sample(account.members(), BUYER),
        "members-handing-over": Sample(account.members(handing_over=True), BUYER),
        "account": Sample(account.account(), BUYER),
        "organization-left": Sample(account.organization_left(), BUYER),
        "new-account": Sample(account.new_account(), frozenset()),
        "feed": Sample(s.feed(), BUYER),
        "buy": Sample(s.buy(), BUYER),
        "buy-approval": Sample(s.buy(approval=True), BUYER),
        "own-product": Sample(s.own_product(), SELLER),
        "buy-product": Sample(s.buy(alone=True), BUYER),
        "buy-offer": Sample(s.buy_offer(), BUYER),
        "buy-aligned": Sample(s.buy_aligned(), BUYER),
        "buy-untaxed": Sample(s.buy_untaxed(), BUYER),
        "buy-coupon": Sample(coupon_samples.sheet(s), BUYER),
        "buy-coupon-refused": Sample(coupon_samples.sheet(s, refused=True), BUYER),
        "order-coupon": Sample(coupon_samples.order(s), BUYER),
        "product-promotion": Sample(coupon_samples.on_promotion(s), BUYER),
        "seller-coupons": Sample(coupon_samples.coupons(s), SELLER),
        "seller-coupons-refused": Sample(coupon_samples.coupons(s, wrong=True), SELLER),
        "circles": Sample(circle_samples.circles(s), BUYER),
        "circles-none": Sample(circle_samples.no_circles(s), BUYER),
        "circle": Sample(circle_samples.community(s), BUYER),
        "circle-teaching": Sample(circle_samples.teaching(s), BUYER),
        "circle-exchange": Sample(circle_samples.exchange(s), BUYER),
        "circle-closed": Sample(circle_samples.closed(s), BUYER),
        "circle-members": Sample(circle_samples.members(s), BUYER),
        "circle-settings": Sample(circle_samples.settings(s), BUYER),
        "circle-link": Sample(circle_samples.link(s), BUYER),
        "halls": Sample(hall_samples.halls(s), BUYER),
        "hall": Sample(hall_samples.hall(s), BUYER),
        "hall-booth": Sample(hall_samples.booth(s), BUYER),
        "hall-register": Sample(hall_samples.register(s), BUYER),
        "hall-badge": Sample(hall_samples.badge(s), BUYER),
        "hall-scan": Sample(hall_samples.scan(s), SELLER),
        "own-halls": Sample(hall_samples.own_halls(s), SELLER),
        "hall-desk": Sample(hall_samples.desk(s), SELLER),
        "hall-report": Sample(hall_samples.report(s), SELLER),
        "own-booth": Sample(hall_samples.own_booth(s), SELLER),
        "own-booth-invited": Sample(hall_samples.booth_invited(s), SELLER),
        "group": Sample(group_samples.group(s, refused=True), BUYER | {"members"}),
        "group-subsidiary": Sample(group_samples.subsidiary_of(s), BUYER | {"members"}),
        "group-member": Sample(group_samples.member(s), BUYER | {"members"}),
        "allocated-seats": Sample(group_samples.allocated(s), BUYER),
        "allocated-seats-ended": Sample(group_samples.allocated(s, ended=True), BUYER),
        "seller-partners": Sample(partner_samples.seller_partners(s), SELLER),
        "seller-territory": Sample(partner_samples.territory(s), SELLER),
        "seller-tier": Sample(partner_samples.tier(s), SELLER),
        "seller-tier-editor": Sample(partner_samples.tier_editor(s), SELLER),
        "live": Sample(live_samples.sessions(s), BUYER),
        "live-none": Sample(live_samples.no_sessions(s), BUYER),
        "live-room": Sample(live_samples.room(s), SELLER),
        "live-announced": Sample(live_samples.room(s, "scheduled"), BUYER),
        "live-replay": Sample(live_samples.room(s, "ended"), BUYER),
        "live-host": Sample(live_samples.host(s), SELLER),
        "live-host-ahead": Sample(live_samples.host(s, "scheduled"), SELLER),
        "live-stream": Sample(live_samples.streamed_room(s), BUYER),
        "live-no-recording": Sample(live_samples.streamed_room(s, "ended"), BUYER),
        "live-host-stream": Sample(live_samples.streaming_host(s), SELLER),
        "live-host-recording": Sample(live_samples.streaming_host(s, "ended"), SELLER),
        "seller-live": Sample(live_samples.own_sessions(s), SELLER),
        "partners": Sample(partner_samples.partners(s), BUYER),
        "end-customers": Sample(end_customer_samples.end_customers(s), BUYER | {"partners"}),
        "end-customers-refused": Sample(end_customer_samples.refused(s), BUYER | {"partners"}),
        "order-for-customer": Sample(end_customer_samples.order(s), BUYER),
        "end-customer-link": Sample(end_customer_samples.link(s), BUYER),
        "payers": Sample(payer_samples.payers(s), BUYER | {"billing"}),
        "payers-refused": Sample(payer_samples.refused(s), BUYER | {"billing"}),
        "buy-circle": Sample(payer_samples.circle_buys(s), BUYER),
        "buy-by-payer": Sample(payer_samples.circle_buys(s, paid_for=True), BUYER),
        "order-asked-payer": Sample(payer_samples.order(s), BUYER, refresh_s=5),
        "payer-charges": Sample(payer_samples.charges(s), BUYER | {"billing"}),
        "order-sheets": Sample(order_sheet_samples.order_sheets(s), BUYER),
        "order-sheet-wrong": Sample(order_sheet_samples.wrong_lines(s), BUYER),
        "order-sheet-priced": Sample(order_sheet_samples.priced(s), BUYER),
        "order-sheet-ordered": Sample(order_sheet_samples.ordered(s), BUYER),
        "referrals": Sample(referral_samples.referrals(s), BUYER),
        "referrals-none": Sample(referral_samples.no_referrals(s), BUYER),
        "referred": Sample(referral_samples.referred(s), frozenset()),
        "dealer-lists": Sample(dealer_list_samples.dealer_lists(s), SELLER),
        "dealer-list-wrong": Sample(dealer_list_samples.wrong_dealers(s), SELLER),
        "dealer-list-right": Sample(dealer_list_samples.right_dealers(s), SELLER),
        "dealer-list-sent": Sample(dealer_list_samples.sent_dealers(s), SELLER),
        "dealer-links": Sample(partner_samples.dealer_links(s), SELLER),
        "dealer-link": Sample(partner_samples.dealer_link(s), BUYER),
        "product-partner": Sample(partner_samples.on_partner_price(s), BUYER),
        "buy-partner": Sample(partner_samples.sheet(s), BUYER),
        "departments": Sample(department_samples.departments(s), BUYER | {"members"}),
        "departments-refused": Sample(department_samples.departments(s, wrong=True), BUYER | {"members"}),
        "seller-coupon": Sample(coupon_samples.coupon(s), SELLER),
        "disputes": Sample(dispute_samples.dispute_list(s, "buyer"), BUYER),
        "dispute": Sample(dispute_samples.dispute_case(s, "buyer"), BUYER),
        "seller-disputes": Sample(dispute_samples.dispute_list(s, "seller", none=True), SELLER),
        "seller-dispute": Sample(dispute_samples.dispute_case(s, "seller", refused=True), SELLER),
        "operator-disputes": Sample(dispute_samples.dispute_list(s, "operator"), operator),
        "operator-dispute": Sample(dispute_samples.dispute_case(s, "operator"), operator),
        "order-milestones": Sample(service_samples.order(s), BUYER),
        "order-milestones-refused": Sample(service_samples.order(s, refused=True), BUYER),
        "orders": Sample(s.orders(), BUYER),
        "order": Sample(s.order(), BUYER),
        "order-several": Sample(s.order_of_several(), BUYER),
        "order-live": Sample(s.order(live=True), BUYER, refresh_s=5),
        "invoices": Sample(s.invoices(), BUYER),
        "invoice-opened": Sample(s.invoices(opened=True), BUYER),
        "notifications": Sample(told.notifications(), BUYER),
        "notifications-none": Sample(told.notifications(none=True), BUYER),
        "notification-preferences": Sample(told.preferences(), BUYER),
        "unsubscribe": Sample(told.unsubscribe(), frozenset()),
        "unsubscribed": Sample(told.unsubscribe(is_done=True), frozenset()),
        "approvals": Sample(s.approvals(), BUYER, paid),
        "seller-announcements": Sample(announcement_samples.sellers(s), BUYER | {"leads"}),
        "seller-announcements-first": Sample(announcement_samples.sellers(s, refused=True), BUYER | {"leads"}),
        "announcements": Sample(announcement_samples.received(s), BUYER | {"asker"}),
        "group-robots": Sample(robot_samples.listed(s), BUYER | {"webhooks"}),
        "group-robots-first": Sample(robot_samples.first(s), BUYER | {"webhooks"}),
        "group-robot": Sample(robot_samples.one(s), BUYER | {"webhooks"}),
        "approval-app": Sample(outside_samples.connected(s), BUYER | {"members"}),
        "approval-app-first": Sample(outside_samples.first(s), BUYER | {"members"}),
        "identity-provider": Sample(s.identity_provider(), BUYER),
        "identity-provider-way-in": Sample(s.way_in(), frozenset()),
        "email-domains": Sample(s.email_domains(), operator),
        "purchase-policy": Sample(s.purchase_policy(), BUYER),
        "purchase-rules": Sample(s.purchase_rules(), BUYER),
        "entitlement": Sample(s.entitlement(), BUYER),
        "entitlements": Sample(s.entitlements(), BUYER),
        "seller": Sample(s.seller_home(), SELLER),
        "seller-videos": Sample(s.seller_videos(), SELLER),
        "seller-upload": Sample(s.upload(), SELLER),
        "seller-video": Sample(s.seller_video(), SELLER),
        "seller-orders": Sample(s.seller_orders(), SELLER),
        "seller-listings": Sample(s.listings(), SELLER),
        "seller-listing": Sample(s.listings(opened=True), SELLER),
        "seller-money": Sample(s.seller_money(), SELLER),
        "promoter": Sample(s.promoter(), PROMOTER),
        "promoter-earnings": Sample(promoter_samples.earnings(s), PROMOTER),
        "promoter-earnings-none": Sample(PromoterEarningsView(()), PROMOTER),
        "operator": Sample(s.operator(), operator),
        "operator-clear": Sample(replace(s.operator(), queues=tuple(map(clear, s.operator().queues))), operator),
        "share": Sample(comment_samples.share(s), BUYER),
        "share-poster": Sample(comment_samples.poster(s), BUYER),
        "share-product": Sample(comment_samples.product(s), BUYER),
        "share-channel": Sample(comment_samples.channel(s), BUYER),
        "comments": Sample(comment_samples.comments(s), BUYER),
        "to-learn": Sample(training_samples.to_learn(s), BUYER),
        "training": Sample(training_samples.training(s), BUYER),
        "trainings": Sample(training_samples.managed(s), BUYER | {"members"}),
        "training-report": Sample(training_samples.report(s), BUYER | {"members"}),
        "response-card": Sample(response_card_samples.answer(s), frozenset()),
        "card-receipt": Sample(response_card_samples.receipt(s), frozenset()),
        "card-responses": Sample(response_card_samples.responses(s), SELLER),
        "card-response": Sample(response_card_samples.response(s), SELLER),
        "card-edit": Sample(response_card_samples.edit(s), SELLER),
        "report": Sample(comment_samples.report(s), BUYER),
        "operator-reports": Sample(comment_samples.reported(s), operator),
        "trace": Sample(s.trace(), operator),
        "trace-broken": Sample(s.trace(broken=True), operator),
    }
    of_areas: dict[frozenset[Area], tuple[Callable[[DeskSamples], Mapping[str, Any]], ...]] = {
        BUYER: (
            trial_samples.trial_pages,
            product_pages,
            feedback_samples.feedback_pages,
            lead_samples.buyers_pages,
            talk_samples.buyers_pages,
            ticket_samples.buyers_pages,
            offer_samples.pages,
            course_samples.course_pages,
            usage_samples.buyers_pages,
            recurring_samples.buyers_pages,
            refund_samples.buyers_pages,
            method_samples.buyers_pages,
            fapiao_samples.buyers_pages,
            paper_samples.buyers_pages,
            month_samples.buyers_pages,
            forward_samples.buyers_pages,
            credit_samples.buyers_pages,
            bank_samples.buyers_pages,
            on_account_samples.buyers_pages,
            form_samples.buyers_pages,
            reseller_samples.buyers_pages,
        ),
        SELLER: (
            listing_pages,
            offer_samples.sellers_pages,
            offer_samples.tier_pages,
            lead_samples.sellers_pages,
            talk_samples.sellers_pages,
            ticket_samples.sellers_pages,
            course_samples.course_editors,
            usage_samples.sellers_pages,
            recurring_samples.sellers_pages,
            fapiao_samples.sellers_pages,
            month_samples.sellers_pages,
            payout_samples.partys_pages,
            payee_tax_samples.payees_pages,
            credit_samples.sellers_pages,
            reliability_samples.pages,
            analytics_samples.pages,
            book_samples.sellers_pages,
            refund_samples.sellers_pages,
            service_samples.pages,
            gateway_samples.sellers_pages,
            promoter_samples.sellers_pages,
            promoter_samples.promoters_pages,
            reseller_samples.sellers_pages,
            reseller_samples.issued_pages,
        ),
        operator: (
            review_pages,
            ticket_samples.operators_pages,
            recurring_samples.operators_pages,
            policy_samples.operators_pages,
            bank_samples.operators_pages,
            on_account_samples.operators_pages,
            book_samples.operators_pages,
            refund_samples.operators_pages,
            gateway_samples.operators_pages,
            form_samples.operators_pages,
            fapiao_samples.operators_pages,
        ),
        BUYER | {"webhooks"}: (
            webhook_samples.webhook_pages,
            clock_samples.clock_pages,
        ),
        operator | {"payout_desk"}: (payout_samples.operators_pages, payee_tax_samples.operators_pages),
    }
    for areas, makers in of_areas.items():
        for make in makers:
            made.update({name: Sample(view, areas) for name, view in make(s).items()})
    made["invoices-forwarded"] = Sample(forward_samples.opened(s), frozenset())
    made["operator-services"] = Sample(service_samples.operators(s), operator)
    made.update({name.replace("_", "-"): Sample(view, frozenset()) for name, view in s.errors().items()})
    return made


def chrome(language: Language, sample: Sample, path: str, nonce: str = "n0nce") -> Chrome:
    """Someone signed in who belongs to two organizations, or nobody on pages before signing in."""
    s = DeskSamples(language)
    signed_in = bool(sample.areas)
    first = s.seller if "seller" in sample.areas else s.buyer
    return Chrome(
        language=language,
        nonce=nonce,
        csrf="token",
        path=path,
        person=s.pick("林晓", "Lin Xiao") if signed_in else None,
        organizations=(
            OrganizationChoice("o1", first, True),
            OrganizationChoice("o2", s.pick("远山研究院", "Yuanshan Labs"), False),
        )
        if signed_in
        else (),
        areas=sample.areas,
        badges={"approvals": 1, "notifications": 120} if "approver" in sample.areas else {},
        notice=sample.notice,
        refresh_s=sample.refresh_s,
    )
