r"""The six stories of the market over its public API: a seller from sign-up to its first payout, a buyer through approval to
the invoice, its finance to the month's archive, a promoter to a share, a customer from a request through the seller's offer to
a review and a question, and the operator who looks at all of it.

    python six_stories.py --market http://127.0.0.1:8000 --seller http://127.0.0.1:8010 \
        --operator ops@example.com --film clip.mp4

Needs Python 3.11 and httpx, a market in sandbox mode (its codes and invitations are read at /outbox) and the sample seller
(`examples/seller_app`) as the system that products are provisioned in. The operator's password is read from OPERATOR_PASSWORD.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

PASSWORD = secrets.token_urlsafe(16)
SEATS, OVER_LIMIT = 5, 50
HELD_S = 8 * 24 * 3600
"""Past the window in which a purchase can be taken back, by the sandbox's clock."""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
"""The smallest PNG, as the licence that an operator looks at."""


class Unexpected(Exception):
    """An answer that the story did not expect."""


@dataclass
class Market:
    """Where everything answers, and one connection for each person."""

    address: str
    seller_address: str
    name: str = field(default_factory=lambda: secrets.token_hex(3))

    def person(self) -> Person:
        """Somebody new, whom nobody knows yet."""
        return Person(httpx.Client(base_url=self.address, timeout=60, trust_env=False), self)


@dataclass
class Person:
    """Somebody who is signed in, or will be. Writing requests carry the session's CSRF token and a key of their own."""

    client: httpx.Client
    market: Market
    email: str = ""
    org_id: str = ""

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """The JSON of a successful answer."""
        if method != "GET":
            self.client.headers["Idempotency-Key"] = str(uuid.uuid4())
        answer = self.client.request(method, path, json=body, **how)
        if not answer.is_success:
            raise Unexpected(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def signed_in(self, session: Any) -> None:
        """Go on with a session that was just opened."""
        self.client.headers["X-CSRF-Token"] = session["csrf"]
        self.org_id = session["org_id"]

    def sign_in(self, email: str, password: str) -> None:
        """With a password that was set before."""
        self.email = email
        self.signed_in(self.ask("POST", "/v1/session", {"email": email, "password": password}))

    def sign_up(self, organization: str, *, sells: bool = False) -> None:
        """Prove an address by the code in the mail, and register an organization in China."""
        self.email = f"owner-{secrets.token_hex(4)}@firm.example"
        self.ask("POST", "/v1/sign-ups", {"email": self.email, "locale": "zh-CN"})
        code = self.mail(re.compile(r"\b\d{6}\b"))
        session = self.ask(
            "POST",
            "/v1/sign-ups/completion",
            {
                "email": self.email,
                "code": code,
                "name": "王芳",
                "password": PASSWORD,
                "organization": {
                    "legal_name": organization,
                    "display_name": organization,
                    "country": "CN",
                    "tax_id": credit_code(),
                    "is_seller": sells,
                },
            },
        )
        self.signed_in(session)

    def accept_invitation(self, email: str) -> None:
        """By the token in the mail's link."""
        self.email = email
        link = self.mail(re.compile(r"/invitations/accept\?[^\"\s<]+"))
        token = parse_qs(urlsplit(link.replace("&amp;", "&")).query)["token"][0]
        accepted = {"token": token, "name": "李雷", "password": PASSWORD}
        self.signed_in(self.ask("POST", "/v1/invitations/acceptance", accepted))

    def invite(self, email: str, role: str) -> None:
        """Ask somebody to join the organization."""
        self.ask("POST", f"/v1/organizations/{self.org_id}/invitations", {"email": email, "roles": [role]})

    def mail(self, wanted: re.Pattern[str]) -> str:
        """What is looked for in the newest mail to the person, at the sandbox's outbox."""

        def found() -> str | None:
            listed = self.client.get("/outbox", params={"to": self.email}).text
            for path in re.findall(r"href=\"(/outbox/[^\"]+)\"", listed)[:3]:
                for text in (listed, self.client.get(path).text):
                    if match := wanted.search(re.sub(r"#[0-9a-f]{6}", "", text.split("<main", 1)[-1])):
                        return match.group()
            return None

        text: str = wait(found, f"a mail to {self.email}")
        return text

    def publish_video(self, film: Path, title: str, plan_id: str) -> tuple[str, str]:
        """Upload a film, put a card of the plan on it, and publish it: its id and the card's."""
        video = self.ask("POST", "/v1/videos", {"title": title})["id"]
        with film.open("rb") as content:
            self.ask("POST", f"/v1/videos/{video}/upload", files={"file": (film.name, content, "video/mp4")})

        def examined() -> Any:
            found = self.ask("GET", f"/v1/seller/videos/{video}")["video"]
            if found["state"] == "refused":
                raise Unexpected(f"the film was refused: {found['refused_code']}")
            return found if found["state"] == "ready" else None

        length = wait(examined, "the film to be examined")["duration_ms"]
        card = {"plan_id": plan_id, "start_ms": 1_000, "end_ms": length, "action": "buy"}
        placement = self.ask("POST", f"/v1/videos/{video}/placements", card)["id"]
        self.ask("POST", f"/v1/videos/{video}/publish")
        return video, placement

    def buy(self, video: str, placement: str, plan_id: str, seats: int) -> Any:
        """A purchase from the second second of a video, on the organization's first invoice title."""
        profile = self.ask("GET", "/v1/billing-profiles")[0]["id"]
        context = {"video_id": video, "placement_id": placement, "second": 2}
        quote = self.ask("POST", "/v1/quotes", {"plan_id": plan_id, "quantity": seats, **context})
        body = {"quote_id": quote["id"], "billing_profile_id": profile, "payment_method": "sbx_ok"}
        return self.ask("POST", "/v1/purchases", body)

    def await_active(self, order_id: str) -> Any:
        """The order, once it is paid and provisioned."""

        def active() -> Any:
            order = self.ask("GET", f"/v1/orders/{order_id}")
            return order if order["state"] == "active" else None

        return wait(active, f"order {order_id} to be active")


def seller_comes_in(market: Market, operator: Person) -> tuple[Person, str]:
    """Sign-up, the checklist, a connector that passes its test, a product on sale: the seller, and its plan."""
    seller = market.person()
    seller.sign_up(f"湖畔软件{market.name}", sells=True)
    seller.ask("POST", "/v1/onboarding/legal-proof", files={"file": ("licence.png", PICTURE, "image/png")})
    proofs = operator.ask("GET", "/v1/operator/legal-proofs")["items"]
    proof = next(one for one in proofs if one["org_id"] == seller.org_id)
    operator.ask("POST", f"/v1/operator/legal-proofs/{proof['proof']['id']}", {"approve": True})
    seller.ask("POST", "/v1/onboarding/tax", {})
    account = {"country": "CN", "currency": "CNY", "holder": f"湖畔软件{market.name}", "bank_name": "中国工商银行"}
    seller.ask(
        "POST", "/v1/payout-accounts", {**account, "account": "6222020200112233445", "bank_code": "102100099996"}
    )
    version = seller.ask("GET", "/v1/onboarding")["agreement_version"]
    seller.ask("POST", "/v1/onboarding/agreement", {"agreement_version": version, "locale": "zh-CN"})
    seller.ask("POST", "/v1/channels", {"handle": f"s-{market.name}", "name": "湖畔", "name_en": "Lakeside"})
    connector = connects(seller)
    listing = seller.ask("POST", "/v1/listings", product(market.name))
    seller.ask("PUT", f"/v1/plans/{listing['plans'][0]['id']}/connector", {"connector_id": connector})
    seller.ask("POST", f"/v1/listings/{listing['id']}/submit")
    if any(one["id"] == listing["id"] for one in operator.ask("GET", "/v1/operator/reviews")["items"]):
        points = operator.ask("GET", f"/v1/operator/reviews/{listing['id']}")["checklist"]
        operator.ask("POST", f"/v1/operator/reviews/{listing['id']}", {"approve": True, "checklist": points})

    def on_sale() -> Any:
        return next((one for one in seller.ask("GET", "/v1/listings")["items"] if one["id"] == listing["id"]), None)

    return seller, wait(on_sale, "the product to be on sale")["plans"][0]["id"]


def connects(seller: Person) -> str:
    """Where products are provisioned: the seller's system, which is told the secret that calls are signed with."""
    vendor = f"v-{seller.market.name}"
    address = f"{seller.market.seller_address}/webhooks/marketplace/{vendor}"
    saved = seller.ask("POST", "/v1/connectors", {"name": "生产", "kind": "webhook", "url": address})
    told = {"vendor": vendor, "secret": saved["secret"]}
    httpx.post(f"{seller.market.seller_address}/secrets", json=told, trust_env=False).raise_for_status()
    connector: str = saved["id"]
    seller.ask("POST", f"/v1/connectors/{connector}/test")
    wait(lambda: seller.ask("GET", f"/v1/connectors/{connector}")["test"] == "passed", "the connector's test")
    return connector


def product(name: str) -> dict[str, Any]:
    """A product with one plan of ¥199 a seat and year, in one language."""
    plan = {
        "code": "team", "name": "团队版", "name_en": "", "pricing": "per_seat", "interval": "year", "currency": "CNY",
        "unit_price_minor": 19_900, "tax_included": True, "min_seats": 1, "max_seats": 1_000,
    }  # fmt: skip
    return {
        "slug": f"kq-{name}", "kind": "saas", "category": "hr", "title": f"考勤{name}", "title_en": "",
        "summary": "全员打卡，一屏看清", "summary_en": "", "description": "打卡、排班与报表。", "plans": [plan],
    }  # fmt: skip


def buys_with_approval(buyer: Person, card: tuple[str, str], plan_id: str) -> str:
    """What is over the organization's limit waits for a colleague's yes; the invoice makes itself: its number."""
    buyer.ask("PUT", "/v1/purchase-rules/CNY", {"max_order_minor": 200_000})
    approver = buyer.market.person()
    email = f"approver-{secrets.token_hex(3)}@firm.example"
    buyer.invite(email, "approver")
    approver.accept_invitation(email)
    placed = buyer.buy(*card, plan_id, OVER_LIMIT)
    if placed["state"] != "pending_approval":
        raise Unexpected(f"the purchase is {placed['state']}")
    approver.ask("POST", f"/v1/purchases/{placed['id']}/approve", {})
    order_id = placed["orders"][0]["id"]
    buyer.await_active(order_id)

    def drawn() -> Any:
        found = buyer.ask("GET", "/v1/invoices")["items"]
        return next((one for one in found if one["reference"] == order_id and one["has_pdf"]), None)

    number: str = wait(drawn, "the invoice")["number"]
    return number


def keeps_the_books(buyer: Person, number: str) -> int:
    """Finance, invited by mail, takes the month's documents home: how many files."""
    finance = buyer.market.person()
    email = f"finance-{secrets.token_hex(3)}@firm.example"
    buyer.invite(email, "finance")
    finance.accept_invitation(email)
    month = finance.client.get("/v1/invoices/export")
    month.raise_for_status()
    names = zipfile.ZipFile(BytesIO(month.content)).namelist()
    if not any(number in name and name.endswith(".pdf") for name in names):
        raise Unexpected(f"{number} is not in the archive: {names}")
    return len(names)


def buys_what_is_offered(buyer: Person, seller: Person, plan_id: str) -> str:
    """A quote is asked for and offered, the offer bought, the product reviewed and asked about: the offered price."""
    listings = seller.ask("GET", "/v1/listings", params={"seller": seller.org_id})["items"]
    listing = next(one["id"] for one in listings if any(plan["id"] == plan_id for plan in one["plans"]))
    asked = {"kind": "quote", "listing_id": listing, "plan_id": plan_id, "quantity": SEATS, "text": "5 席，年付。"}
    lead = buyer.ask("POST", "/v1/leads", asked)["id"]
    valid_on = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    offer = {"plan_id": plan_id, "quantity": SEATS, "discount_ppm": 150_000, "valid_on": valid_on}
    made = seller.ask("POST", f"/v1/seller/leads/{lead}/offers", offer)
    quote = buyer.ask("POST", f"/v1/offers/{made['id']}/quote", {})
    if quote["gross"] != made["total"]:
        raise Unexpected(f"{made['total']} was offered, {quote['gross']} is asked for")
    profile = buyer.ask("GET", "/v1/billing-profiles")[0]["id"]
    body = {"quote_id": quote["id"], "billing_profile_id": profile, "payment_method": "sbx_ok"}
    buyer.await_active(buyer.ask("POST", "/v1/purchases", body)["orders"][0]["id"])
    buyer.ask("PUT", f"/v1/listings/{listing}/customer-review", {"stars": 4, "text": "上手快，**排班**清楚。"})
    review = seller.ask("GET", f"/v1/listings/{listing}/customer-reviews")["items"][0]["id"]
    seller.ask("PUT", f"/v1/seller/customer-reviews/{review}/answer", {"text": "谢谢。"})
    question = buyer.ask("POST", f"/v1/listings/{listing}/questions", {"text": "能导出报表吗？"})["id"]
    seller.ask("PUT", f"/v1/seller/questions/{question}/answer", {"text": "可以，随时导出。"})

    def rated() -> bool:  # a job counts what was reviewed
        shown = buyer.ask("GET", f"/v1/listings/{listing}")
        return bool((shown["rating_tenths"], shown["rating_count"]) == (40, 1))

    wait(rated, "the product to be rated 4.0 by one")
    thread = buyer.ask("GET", f"/v1/leads/{lead}")
    if (thread["lead"]["state"], thread["offers"][0]["state"]) != ("won", "accepted"):
        raise Unexpected(f"the request is {thread['lead']['state']}, its offer {thread['offers'][0]['state']}")
    return f"{quote['gross']['amount'] / 100:.2f} {quote['gross']['currency']}"


def pays_what_is_earned(operator: Person, earners: dict[str, Person]) -> dict[str, str]:
    """A week later, by the sandbox's clock: statements are closed and paid. What each had, as it is written."""
    operator.ask("POST", "/v1/operator/clock", {"advance_s": HELD_S})
    time.sleep(1.5)  # every process reads the clock each half second

    def closed() -> Any:
        operator.ask("POST", "/v1/operator/statements", {})
        found = {name: who.ask("GET", "/v1/statements")["items"] for name, who in earners.items()}
        return {name: items[0] for name, items in found.items()} if all(found.values()) else None

    paid: dict[str, str] = {}
    for name, statement in wait(closed, "statements").items():
        body = {"statement_id": statement["id"], "gateway": "sandbox", "destination": f"account of {name}"}
        operator.ask("POST", "/v1/operator/payouts", body)

        def arrived(who: Person = earners[name]) -> Any:
            return next((one for one in who.ask("GET", "/v1/payouts")["items"] if one["state"] == "paid"), None)

        amount = wait(arrived, f"the payout to {name}")["amount"]
        paid[name] = f"{amount['amount'] / 100:.2f} {amount['currency']}"
    return paid


def wait(look: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """What `look` finds at last."""
    until = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > until:
            raise Unexpected(f"waited in vain for {what}")
        time.sleep(0.3)
    return found


def credit_code() -> str:
    """A unified social credit code with its check character (GB 32100-2015)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    base = "91330106" + "".join(secrets.choice(signs) for _ in range(9))
    weighed = sum(signs.index(sign) * pow(3, place, 31) for place, sign in enumerate(base))
    return base + signs[-weighed % 31]


def main() -> int:
    """Tell the stories, one line each; 1 where an answer was not as expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("market", "seller", "operator", "film"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    market = Market(given.market.rstrip("/"), given.seller.rstrip("/"))
    film = Path(given.film)
    operator = market.person()
    try:
        operator.sign_in(given.operator, os.environ["OPERATOR_PASSWORD"])
        seller, plan_id = seller_comes_in(market, operator)
        print(f"seller    {seller.email} sells plan {plan_id}")
        card = seller.publish_video(film, f"一屏看考勤 {market.name}", plan_id)
        buyer = market.person()
        buyer.sign_up(f"远山制造{market.name}")
        number = buys_with_approval(buyer, card, plan_id)
        print(f"buyer     {buyer.email} has invoice {number}, approved by a colleague")
        print(f"finance   took {keeps_the_books(buyer, number)} files home")
        promoter = market.person()
        promoter.sign_up(f"直播社{market.name}")
        promoter.ask("POST", "/v1/channels", {"handle": f"p-{market.name}", "name": "直播社", "name_en": "Live"})
        shown = promoter.publish_video(film, f"推荐 {market.name}", plan_id)
        buyer.await_active(buyer.buy(*shown, plan_id, SEATS)["orders"][0]["id"])
        print(f"promoter  {promoter.email} sold {SEATS} seats")
        offered = buys_what_is_offered(buyer, seller, plan_id)
        print(f"customer  {buyer.email} bought for {offered} what was offered, and reviewed it")
        for name, amount in pays_what_is_earned(operator, {"seller": seller, "promoter": promoter}).items():
            print(f"operator  paid the {name} {amount}")
    except Unexpected as failure:
        print(f"not as expected: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
