"""Every address a page links to, in one place, so that a route and its links cannot drift apart."""

from api.pages.frame import (
    book_addresses,
    circle_addresses,
    clock_addresses,
    coupon_addresses,
    course_addresses,
    credit_addresses,
    department_addresses,
    dispute_addresses,
    fapiao_addresses,
    hall_addresses,
    live_addresses,
    offer_addresses,
    operator_addresses,
    partner_addresses,
    payment_addresses,
    payout_addresses,
    policy_addresses,
    product_addresses,
    recurring_addresses,
    refund_addresses,
    reliability_addresses,
    service_addresses,
    share_addresses,
    usage_addresses,
    webhook_addresses,
)

PRODUCTS, coupons, usage = product_addresses.PRODUCTS, coupon_addresses, usage_addresses
clocks, courses, departments, fapiao = clock_addresses, course_addresses, department_addresses, fapiao_addresses
refunds, store_credits, payments, books = refund_addresses, credit_addresses, payment_addresses, book_addresses
disputes, services, partners, live = dispute_addresses, service_addresses, partner_addresses, live_addresses
payouts, policies, operating, halls = payout_addresses, policy_addresses, operator_addresses, hall_addresses
entitlement, shares = recurring_addresses.entitlement, share_addresses
entitlement_act = recurring_addresses.entitlement_act
entitlement_launch = recurring_addresses.entitlement_launch
entitlement_seats = recurring_addresses.entitlement_seats
operator_document, operator_incident = operator_addresses.operator_document, operator_addresses.operator_incident
operator_listing = operator_addresses.operator_listing
operator_pay = operator_addresses.operator_pay
operator_payout_account = operator_addresses.operator_payout_account
operator_replay, operator_review = operator_addresses.operator_replay, operator_addresses.operator_review
operator_report = operator_addresses.operator_report
operator_seller = operator_addresses.operator_seller
operator_webhook = operator_addresses.operator_webhook
product, product_ask = product_addresses.product, product_addresses.product_ask
product_buy, product_terms = product_addresses.product_buy, product_addresses.product_terms
product_questions = product_addresses.product_questions
product_review, product_reviews = product_addresses.product_review, product_addresses.product_reviews
question, question_answer = product_addresses.question, product_addresses.question_answer
review_answer = product_addresses.review_answer
terms_pdf = product_addresses.terms_pdf
subscription, seller_subscription = recurring_addresses.subscription, recurring_addresses.seller_subscription
operator_subscription = recurring_addresses.operator_subscription
with_query, reliability, circles = product_addresses.with_query, reliability_addresses, circle_addresses

FEED = "/"
SEARCH = "/search"
SIGN_IN, SIGN_IN_CODE, SIGN_OUT = "/sign-in", "/sign-in/code", "/sign-out"
SIGN_UP, SIGN_UP_COMPLETE = "/sign-up", "/sign-up/complete"
PASSWORD = "/password"  # noqa: S105 - an address
PASSWORD_COMPLETE = "/password/complete"  # noqa: S105 - an address
INVITATION, INVITATION_DECLINE = "/invitations/accept", "/invitations/decline"
ACCOUNT = "/account"
SECOND_FACTOR = "/account/second-factor"
SECOND_FACTOR_SETUP = "/account/second-factor/setup"
SECOND_FACTOR_CONFIRM = "/account/second-factor/confirm"
SECOND_FACTOR_OFF = "/account/second-factor/off"
RECOVERY_CODES = "/account/second-factor/recovery-codes"
MEMBERS = "/members"
OWNERSHIP_OFFER = "/members/ownership"
ORGANIZATION_NEW = "/organizations/new"
OUTBOX = "/outbox"
NOTIFICATIONS = "/notifications"
NOTIFICATIONS_READ_ALL = "/notifications/read-all"
NOTIFICATION_PREFERENCES = "/notifications/preferences"
UNSUBSCRIBE = "/notifications/unsubscribe"
LANGUAGE = "/language"
ORGANIZATION = "/organization"
ORGANIZATION_LEFT = "/organization/left"
VERIFICATION = "/organization/verification"
VERIFICATION_TAX_ID = "/organization/verification/tax-id"
VERIFICATION_TRANSFER = "/organization/verification/transfer"
ORDERS = "/orders"
ENTITLEMENTS = "/entitlements"
SUBSCRIPTIONS = recurring_addresses.SUBSCRIPTIONS
SPENDING = recurring_addresses.SPENDING
SPENDING_CSV = recurring_addresses.SPENDING_CSV
SELLER_SUBSCRIPTIONS = recurring_addresses.SELLER_SUBSCRIPTIONS
OPERATOR_SUBSCRIPTIONS = recurring_addresses.OPERATOR_SUBSCRIPTIONS
INVOICES = "/invoices"
INVOICES_EXPORT = "/v1/invoices/export"
BILLING_PROFILES = "/billing-profiles"
BILLING_PROFILE_NEW = "/billing-profiles/new"
PURCHASE_RULES = "/purchase-rules"
PURCHASE_POLICY = "/purchase-policy"
IDENTITY_PROVIDER = "/organization/sign-in"
PROVIDER_SIGN_IN = "/sign-in/provider"
EMAIL_DOMAINS = "/operator/email-domains"
APPROVALS = "/approvals"
APPROVAL_DEPUTIES = "/approvals/deputies"
REQUESTS = "/requests"
OFFERS = "/offers"
SELLER = "/seller"
SELLER_VIDEOS = "/seller/videos"
SELLER_UPLOAD = "/seller/videos/new"
SELLER_ORDERS = "/seller/orders"
SELLER_LEADS = "/seller/leads"
SELLER_OFFERS, SELLER_OFFER_NEW = "/seller/offers", "/seller/offers/new"
SELLER_OFFER_FLOORS = "/seller/offers/floors"
SELLER_CUSTOMERS = "/seller/customers"
SELLER_DEMO_HOURS = "/seller/demo-hours"
SELLER_DEMO_DAYS = "/seller/demo-days"
SELLER_LISTINGS = "/seller/listings"
SELLER_MARKDOWN = "/seller/markdown"
SELLER_LISTING_NEW = "/seller/listings/new"
SELLER_MONEY = "/seller/money"
SELLER_START = "/seller/start"
SELLER_LEGAL, SELLER_TAX = "/seller/start/legal", "/seller/start/tax"
SELLER_PAYOUT_ACCOUNT = "/seller/start/payout-account"
SELLER_AGREEMENT = "/seller/start/agreement"
SELLER_CHANNEL = "/seller/channel"
SELLER_CONNECTORS = "/seller/connectors"
offer, seller_offer, offer_pdf = offer_addresses.offer, offer_addresses.seller_offer, offer_addresses.offer_pdf
WEBHOOKS, WEBHOOK_EVENTS = webhook_addresses.WEBHOOKS, webhook_addresses.WEBHOOK_EVENTS
WEBHOOK_TYPES, webhook = webhook_addresses.WEBHOOK_TYPES, webhook_addresses.webhook
PROMOTER = "/promoter"
OPERATOR = "/operator"
OPERATOR_REPORTS = operator_addresses.OPERATOR_REPORTS
OPERATOR_SELLERS = operator_addresses.OPERATOR_SELLERS
TAX_ID_DISPUTES = "/operator/tax-id-disputes"
REVIEWS = "/operator/reviews"
OPERATOR_CLOSE = "/operator/statements/close"
OPERATOR_CLOCK = "/operator/clock"
TRACE = "/trace"


def next_page(path: str, cursor: str | None, **filters: str | None) -> str | None:
    """Where a list goes on under the same filters; None at its end."""
    return with_query(path, cursor=cursor, **filters) if cursor else None


def video(video_id: str, second: int | None = None) -> str:
    """Address of one video in the player, opened at ``second`` (seconds from its start)."""
    return with_query(f"/v/{video_id}", t=second)


def channel(channel_id: str) -> str:
    """A channel's videos in the player."""
    return f"/channels/{channel_id}"


def feed(*, followed: bool = False) -> str:
    """The feed, or that of the channels one follows."""
    return with_query(FEED, followed="1" if followed else None)


def video_like(video_id: str) -> str:
    """Where the like form posts."""
    return f"/v/{video_id}/like"


def video_share(video_id: str) -> str:
    """The link by which a video is sent on."""
    return f"/v/{video_id}/share"


def video_comments(video_id: object) -> str:
    """What was written below a video."""
    return f"/v/{video_id}/comments"


def comment(comment_id: object) -> str:
    """Where one's own comment is taken back."""
    return f"/comments/{comment_id}"


def comment_moderation(comment_id: object) -> str:
    """Where a channel hides a comment, or shows it again."""
    return f"/comments/{comment_id}/moderation"


def report(kind: str, content_id: object) -> str:
    """Where something is reported to the platform."""
    return f"/reports/{kind}/{content_id}"


def content_place(kind: str, subject_id: object) -> str:
    """Where content of a kind stands, at its video, product, room or circle."""
    subject = str(subject_id)
    if kind in ("live_question", "circle_post"):
        return live.room(subject) if kind == "live_question" else circles.circle(subject)
    if kind in ("video", "comment"):
        return video(subject) if kind == "video" else video_comments(subject)
    if kind in ("listing", "review"):
        return product(subject) if kind == "listing" else product_reviews(subject)
    return product_questions(subject)


def channel_follow(channel_id: str) -> str:
    """Where the follow form posts."""
    return f"/channels/{channel_id}/follow"


def buy(placement_id: str, second: int | None = None, share: str | None = None) -> str:
    """The purchase sheet as a page: the form that works without JavaScript."""
    return with_query(f"/buy/{placement_id}", second=second, share=share)


def request(lead_id: str) -> str:
    """What one's organization asked a seller for."""
    return f"{REQUESTS}/{lead_id}"


def seller_lead(lead_id: str) -> str:
    """What a seller was asked for."""
    return f"{SELLER_LEADS}/{lead_id}"


def seller_customer(org_id: str, act: str = "") -> str:
    """An organization that bought from the seller, or asked it; `/trials` is where a trial of it is extended."""
    return f"{SELLER_CUSTOMERS}/{org_id}{act}"


def demo_day_remove(day_id: str) -> str:
    """Where a day off or a single time is taken out of a seller's calendar."""
    return f"{SELLER_DEMO_DAYS}/{day_id}/remove"


def order(order_id: str) -> str:
    """The buyer's order page."""
    return f"/orders/{order_id}"


def order_progress(order_id: str) -> str:
    """Event stream of the delivery of an order."""
    return f"/v1/orders/{order_id}/progress"


def invoice_pdf(invoice_id: str) -> str:
    """The invoice as PDF/A-3."""
    return f"/v1/invoices/{invoice_id}/pdf"


def invoice_xml(invoice_id: str) -> str:
    """The invoice as EN 16931 XML."""
    return f"/v1/invoices/{invoice_id}/xml"


def order_end(order_id: str, how: str) -> str:
    """Where its buyer's form posts: `cancel` (money back within the window) or `call-off` (its purchase is not paid yet)."""
    return f"/orders/{order_id}/{how}"


def order_accept(order_id: str) -> str:
    """Where the buyer accepts a delivered one-off service."""
    return f"/orders/{order_id}/accept"


def order_pay(order_id: str) -> str:
    """Where another way to pay posts after a failed payment."""
    return f"/orders/{order_id}/pay"


def order_confirm(order_id: str) -> str:
    """Leads the payer to where its gateway or bank wants the payment confirmed."""
    return f"/orders/{order_id}/confirm"


def approve(purchase_id: str) -> str:
    """Where the approver's consent posts."""
    return f"/approvals/{purchase_id}/approve"


def reject(purchase_id: str) -> str:
    """Where the approver's refusal posts."""
    return f"/approvals/{purchase_id}/reject"


def billing_profile(profile_id: str, act: str = "") -> str:
    """The form of an invoice title, or where it is made the default, retired or restored."""
    return f"/billing-profiles/{profile_id}/{act}" if act else f"/billing-profiles/{profile_id}"


def purchase_rule_remove(currency: str) -> str:
    """Where a purchase rule is removed."""
    return f"/purchase-rules/{currency}/remove"


def account_session(session_id: str) -> str:
    """Where a browser of one's own is signed out."""
    return f"/account/sessions/{session_id}/end"


def member(member_id: str, act: str) -> str:
    """Where a member's roles are changed, or the membership ends."""
    return f"/members/{member_id}/{act}"


def ownership(transfer_id: str, act: str) -> str:
    """Where an offered ownership is accepted or declined."""
    return f"/account/ownership/{transfer_id}/{act}"


def ownership_withdraw(transfer_id: str) -> str:
    """Where one's own offer of ownership is taken back."""
    return f"/members/ownership/{transfer_id}/withdraw"


def invitation_withdraw(invitation_id: str) -> str:
    """Where an invitation is taken back."""
    return f"/members/invitations/{invitation_id}/withdraw"


def notification(notification_id: str, act: str) -> str:
    """Where a notification is opened on the page it leads to, or marked as read."""
    return f"{NOTIFICATIONS}/{notification_id}/{act}"


def mail(mail_id: str) -> str:
    """One mail of the sandbox's outbox."""
    return f"/outbox/{mail_id}"


def mail_html(mail_id: str) -> str:
    """How the mail looks to a reader of HTML."""
    return f"/outbox/{mail_id}/html"


def seller_video(video_id: str) -> str:
    """The seller's page of one video: placements, claims, publishing."""
    return f"/seller/videos/{video_id}"


def seller_listing(listing_id: str) -> str:
    """The seller's page of one listing."""
    return f"/seller/listings/{listing_id}"


def seller_channel(channel_id: str) -> str:
    """Where the words of one's own channel are changed."""
    return f"{SELLER_CHANNEL}/{channel_id}"


def seller_connector(connector_id: str) -> str:
    """The seller's page of one connector: address, secret, test."""
    return f"{SELLER_CONNECTORS}/{connector_id}"


def legal_document(proof_id: str) -> str:
    """One's own legal document as it was uploaded."""
    return f"/v1/onboarding/legal-proof/{proof_id}"


def tax_id_dispute(dispute_id: str) -> str:
    """A tax identifier that several organizations claim, and the decision on it."""
    return f"{TAX_ID_DISPUTES}/{dispute_id}"


def listing_edit(listing_id: str, section: str = "") -> str:
    """The editor of a listing, at one of its sections."""
    return f"/seller/listings/{listing_id}/edit{'#' if section else ''}{section}"


def listing_images(listing_id: str, act: str = "") -> str:
    """Where a picture of the draft is sent, or (`act`) changed."""
    return f"/seller/listings/{listing_id}/images{'/' if act else ''}{act}"


def listing_act(listing_id: str, act: str) -> str:
    """Where a form of the editor posts."""
    return f"/seller/listings/{listing_id}/{act}"


def run_replay(run_id: str) -> str:
    """Where the replay form of a run posts."""
    return f"/seller/runs/{run_id}/replay"


def seller_upload_again(video_id: str) -> str:
    """The upload form of a video that has no usable file yet."""
    return f"/seller/videos/{video_id}/file"


def seller_statement(statement_id: str) -> str:
    """A closed settlement statement of a seller with its lines."""
    return f"/seller/statements/{statement_id}"


def promoter_statement(statement_id: str) -> str:
    """A promoter's closed statement with its lines."""
    return f"/promoter/statements/{statement_id}"


def trace(any_id: str) -> str:
    """The chain of facts through any id of the loop."""
    return f"/trace/{any_id}"
