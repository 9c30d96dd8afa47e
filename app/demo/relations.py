"""The second act, over public HTTP only: organizations that know each other. A dealer orders from a partner-only live session
and its headquarters pays; a circle binds a company and buys; a visitor of an exhibition becomes a customer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app.demo.demo_client import DemoClient
from app.demo.demo_session import DemoSession, Evidence, check, wait
from app.demo.outcome import StepFailed
from kernel import clock
from kernel.ids import uuid7

PLAN = "pro"
SEATS, ALLOCATED = 20, 5
MONTHLY_LIMIT = 50_000_000
ASKED_ABOVE = 100_000
"""An order above this waits for the payer's word, in minor units."""
OFF_PPM = 100_000
BY_PAYER = "payer"


class RelationsStory(DemoSession):
    """The steps, in the order they are told."""

    def steps(self) -> list[tuple[str, Callable[[], Evidence]]]:
        """Every step in order."""
        return [
            ("sign in", self.sign_in),
            ("partner", self.partner),
            ("live for partners", self.live),
            ("headquarters", self.headquarters),
            ("dealer orders", self.dealer_orders),
            ("headquarters pays", self.headquarters_pays),
            ("seats allocated", self.seats_allocated),
            ("circle", self.circle),
            ("circle binds and buys", self.circle_buys),
            ("exhibition", self.exhibition),
            ("visitor becomes customer", self.visitor_buys),
        ]

    def sign_in(self) -> Evidence:
        """A seller, its dealer, the dealer's headquarters, an organizer of exhibitions and a visitor."""
        wanted = {
            "seller": "owner@yihao.example",
            "dealer": "owner@xinghe.example",
            "headquarters": "owner@lakeside.example",
            "organizer": "owner@harbor.example",
            "visitor": "buyer@lakeside.example",
        }
        for role, email in wanted.items():
            self.people[role] = DemoClient(self.base_url, email, self.password)
        return {role: person.email for role, person in self.people.items()}

    # ── a dealer, a live session for partners, and who pays ──────────────────────────────────────────────────────────

    def partner(self) -> Evidence:
        """The seller takes the dealer into a tier of its own, with a price that begins at so many seats."""
        seller, dealer = self.people["seller"], self.people["dealer"]
        listing, plan = self._sold()
        self.facts |= {"listing": listing["id"], "plan": plan["id"], "price": plan["unit_price"]["amount"]}
        tier = seller.post("/v1/seller/partner-tiers", {"code": "DEMO", "name": "直播经销商", "rank": 9}, expect=201)
        price = {"listing_id": listing["id"], "discount_ppm": OFF_PPM, "min_quantity": SEATS, "quantity_step": 5}
        seller.post(f"/v1/seller/partner-tiers/{tier['id']}/prices", price, expect=201)
        asked = seller.post(
            "/v1/seller/partners", {"organization_id": dealer.org_id, "tier_id": tier["id"]}, expect=201
        )
        link = dealer.post(f"/v1/partners/{asked['id']}/acceptance", {})
        check(link["state"] == "accepted", "the dealer is a partner", link)
        self.facts |= {"tier": tier["id"], "link": link["id"]}
        return {"link": link["id"], "tier": link["tier"]["name"], "off": f"{OFF_PPM // 10_000} %", "least": SEATS}

    def live(self) -> Evidence:
        """A session for that tier alone: the dealer is in the room, a stranger is told that there is none."""
        seller, dealer, stranger = self.people["seller"], self.people["dealer"], self.people["organizer"]
        films = seller.get("/v1/seller/videos", limit="50")["items"]
        film = next(one for one in films if one["state"] in ("ready", "published") and one["visibility"] == "public")
        session = seller.post(
            "/v1/live-sessions",
            {
                "video_id": film["id"],
                "title": "经销商专场",
                "title_en": "For dealers",
                "starts_at": (self._now() + timedelta(hours=1)).isoformat(),
                "visibility": "partners",
                "partner_tier_ids": [self.facts["tier"]],
            },
            expect=201,
        )["session"]["id"]
        here = f"/v1/live-sessions/{session}"
        room = seller.post(f"{here}/items", {"plan_id": self.facts["plan"]}, expect=201)
        seller.post(f"{here}/start")
        explained = seller.put(f"{here}/explained", {"item_id": room["items"][0]["id"]})
        check(explained["items"][0]["explained_now"], "the product is explained", explained)
        asked = dealer.post(f"{here}/questions", {"text": "最少订多少席？"}, expect=201)
        seller.put_nothing(f"/v1/seller/live-questions/{asked['id']}/answer", {"text": f"{SEATS} 席起订。"})
        seen = dealer.get(here)
        check(seen["session"]["state"] == "live", "the dealer is in the room", seen)
        check(not stranger.finds(here), "nobody else is", {"stranger": stranger.email})
        self.facts["session"] = session
        questions = dealer.get(f"{here}/questions")
        return {"session": session, "explained": seen["items"][0]["title"], "answer": questions[0]["answer"]}

    def headquarters(self) -> Evidence:
        """The headquarters takes the dealer into its group, and agrees to pay: so much a month, above an amount when asked."""
        hq, dealer = self.people["headquarters"], self.people["dealer"]
        rights = ["see_orders", "see_usage", "allocate_seats", "pay"]
        asked = {"organization_id": dealer.org_id, "as_headquarters": True, "rights": rights}
        membership = hq.post("/v1/group-memberships", asked, expect=201)
        accepted = dealer.post(f"/v1/group-memberships/{membership['id']}/acceptance", {})
        check(accepted["state"] == "active", "the group stands", accepted)
        wanted = {"organization_id": hq.org_id, "by_payer": False, "currency": "CNY"}
        agreement = dealer.post("/v1/payer-agreements", wanted, expect=201)["id"]
        limits = {"limits": {"monthly_limit": MONTHLY_LIMIT, "order_limit": ASKED_ABOVE}}
        agreed = hq.post(f"/v1/payer-agreements/{agreement}/acceptance", limits)
        check(agreed["state"] == "active", "the headquarters pays", agreed)
        self.facts |= {"membership": membership["id"], "agreement": agreement}
        return {"rights": accepted["rights"], "monthly": agreed["monthly_limit"], "asked above": agreed["order_limit"]}

    def dealer_orders(self) -> Evidence:
        """From the room, at the tier's price, paid by the headquarters: its word is waited for."""
        dealer = self.people["dealer"]
        asked = {
            "plan_id": self.facts["plan"],
            "quantity": SEATS,
            "live_session_id": self.facts["session"],
            "second": 0,
        }
        quote = dealer.post("/v1/quotes", asked, expect=201)
        whole = self.facts["price"] * SEATS
        check(quote["gross"]["amount"] == whole - whole * OFF_PPM // 1_000_000, "the tier's price", quote["gross"])
        purchase = self._buy_by_payer(dealer, quote["id"], self.facts["agreement"])
        self.facts |= {"order": purchase["orders"][0]["id"], "gross": quote["gross"]}
        return {"gross": quote["gross"], "order": purchase["orders"][0]["number"], "by_payer": purchase["by_payer"]}

    def headquarters_pays(self) -> Evidence:
        """It approves with its own card; the dealer uses what was bought, the invoice bears the headquarters' title."""
        hq, dealer, order_id = self.people["headquarters"], self.people["dealer"], self.facts["order"]
        (charge,) = hq.get("/v1/payer-charges", state="asked")["items"]
        hq.post(f"/v1/payer-charges/{charge['id']}/approval", {"payment_method": self.player.good_card})
        order = self._until_active(dealer, order_id)
        line = order["lines"][0]
        check(line["live_session_id"] == self.facts["session"], "the order names the session", line)

        def papers() -> Evidence | None:
            found: Evidence = hq.get(f"/v1/payer-charges/{charge['id']}")
            return found if found["documents"] else None

        paid = wait(papers, "the payer has its invoice")
        (month,) = hq.get("/v1/payer-months")
        check(month["ordered"] == paid["amount"], "the month has used what was paid", month)
        return {
            "paid": paid["amount"],
            "state": paid["payment_state"],
            "invoice": paid["documents"][0]["number"],
            "left of the month": month["left"],
        }

    def seats_allocated(self) -> Evidence:
        """The headquarters buys seats of its own and allocates some to the dealer, whose people take them."""
        hq, dealer = self.people["headquarters"], self.people["dealer"]
        quote = hq.post("/v1/quotes", {"plan_id": self.facts["plan"], "quantity": SEATS}, expect=201)
        order_id = self.accept(quote["id"], "HQ-1", by="headquarters")["orders"][0]["id"]
        self._until_active(hq, order_id)
        items = hq.get("/v1/entitlements", limit="50")["items"]
        entitlement = next(one for one in items if one["order_id"] == order_id)
        path = f"/v1/entitlements/{entitlement['id']}/allocations/{self.facts['membership']}"
        allocated = hq.put(path, {"seats": ALLOCATED})[0]
        seat = {"person_id": dealer.person_id}
        dealer.post(f"/v1/seat-allocations/{allocated['id']}/seats", seat, expect=201, key=str(uuid7()))
        (seen,) = hq.get("/v1/group-report")
        check((seen["seats"], seen["seats_used"]) == (ALLOCATED, 1), "one of the allocated seats is used", seen)
        return {"to": seen["member_name"], "product": seen["title"], "seats": f"{seen['seats_used']}/{seen['seats']}"}

    # ── a circle ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def circle(self) -> Evidence:
        """A community is founded, somebody joins and writes; it cannot be billed."""
        founder, member = self.people["dealer"], self.people["visitor"]
        made = founder.post("/v1/circles", {"name": "招聘同行圈", "kind": "exchange", "joining": "open"}, expect=201)
        member.put(f"/v1/circles/{made['id']}/membership", {})
        post = member.post(f"/v1/circles/{made['id']}/posts", {"text": "大家好，有没有用过一屏看校招的？"}, expect=201)
        acting = DemoClient(self.base_url, founder.email, self.password, made["id"])
        self.people["circle"] = acting
        quote = acting.post("/v1/quotes", {"plan_id": self.facts["plan"], "quantity": SEATS}, expect=201)
        body = {"quote_id": quote["id"], "payment_method": self.player.good_card}
        refused = acting.refused("/v1/purchases", body)
        check(refused == "payer_needed", "a circle needs a payer", {"code": refused})
        return {"circle": made["id"], "members": 2, "post": post["state"], "buys alone": refused}

    def circle_buys(self) -> Evidence:
        """A company agrees to pay for it: the circle buys, the company has the invoice."""
        acting, company = self.people["circle"], self.people["dealer"]
        self._leave_payer(company)
        wanted = {"organization_id": company.org_id, "by_payer": False, "currency": "CNY"}
        agreement = acting.post("/v1/payer-agreements", wanted, expect=201)["id"]
        company.post(f"/v1/payer-agreements/{agreement}/acceptance", {"limits": {"monthly_limit": MONTHLY_LIMIT}})
        method = {"method": {"payment_method": self.player.good_card}}
        company.put(f"/v1/payer-agreements/{agreement}/method", method)
        quote = acting.post("/v1/quotes", {"plan_id": self.facts["plan"], "quantity": SEATS}, expect=201)
        purchase = self._buy_by_payer(acting, quote["id"], agreement)
        order = self._until_active(acting, purchase["orders"][0]["id"])
        return {"order": order["number"], "state": order["state"], "paid": quote["gross"]}

    # ── an exhibition ────────────────────────────────────────────────────────────────────────────────────────────────

    def exhibition(self) -> Evidence:
        """A hall with the seller's booth; a visitor registers, and gives its badge there: a consented lead."""
        organizer, seller, visitor = self.people["organizer"], self.people["seller"], self.people["visitor"]
        now = self._now()
        dates = {"opens_at": (now - timedelta(hours=1)).isoformat(), "closes_at": (now + timedelta(days=1)).isoformat()}
        hall = organizer.post("/v1/organizer/halls", {"title": "秋季云展会", **dates}, expect=201)["hall"]["id"]
        asked = {"organization_id": seller.org_id}
        booth = organizer.post(f"/v1/organizer/halls/{hall}/booths", asked, expect=201)["id"]
        seller.post(f"/v1/seller/booths/{booth}/answer", {"accept": True})
        seller.put(f"/v1/seller/booths/{booth}", {"listing_ids": [self.facts["listing"]], "words": "欢迎"})
        organizer.post(f"/v1/organizer/halls/{hall}/publication")
        consent = visitor.get("/v1/hall-consent")["version"]
        contact = {"name": "Mei Tan", "company": "Lakeside", "email": visitor.email, "consent_version": consent}
        visitor.put(f"/v1/halls/{hall}/badge", contact)
        given = {"consent_version": consent, "listing_id": self.facts["listing"], "text": "请报价：20 席。"}
        visitor.post(f"/v1/booths/{booth}/badges", given, expect=201)

        def lead() -> Evidence | None:
            items = seller.get("/v1/seller/leads", limit="100")["items"]
            found: Evidence | None = next((one for one in items if one["lead"]["buyer_org_id"] == visitor.org_id), None)
            return found

        self.facts["lead"] = wait(lead, "the badge is a lead")["lead"]["id"]
        found = seller.get(f"/v1/seller/leads/{self.facts['lead']}")["lead"]["lead"]
        check(found["contact_email"] == visitor.email, "the seller has the contact", found)
        return {"hall": hall, "lead": found["id"], "consented_at": found["consented_at"]}

    def visitor_buys(self) -> Evidence:
        """The seller makes an offer on the lead; the visitor's organization buys it, and the lead is won."""
        seller, buyer = self.people["seller"], self.people["headquarters"]
        offer = {
            "plan_id": self.facts["plan"],
            "quantity": SEATS,
            "discount_ppm": 50_000,
            "valid_on": (self._now() + timedelta(days=10)).date().isoformat(),
        }
        made = seller.post(f"/v1/seller/leads/{self.facts['lead']}/offers", offer, expect=201)
        quote = buyer.post(f"/v1/offers/{made['id']}/quote", {}, expect=201)
        order_id = self.accept(quote["id"], "FAIR-1", by="headquarters")["orders"][0]["id"]
        order = self._until_active(buyer, order_id)
        lead = seller.get(f"/v1/seller/leads/{self.facts['lead']}")
        state = lead["lead"]["lead"]["state"]
        check(state == "won", "the lead is won", lead["lead"])
        return {"order": order["number"], "gross": quote["gross"], "lead": state}

    # ── what several steps do ────────────────────────────────────────────────────────────────────────────────────────

    def _sold(self) -> tuple[Any, Any]:
        for listing in self.people["seller"].get("/v1/listings", limit="50")["items"]:
            for plan in listing["plans"]:
                if plan["code"] == PLAN and listing["org_id"] == self.people["seller"].org_id:
                    return listing, plan
        raise StepFailed("the seller sells nothing", {})

    def _now(self) -> Any:
        return clock.wall_now()

    def _buy_by_payer(self, who: DemoClient, quote_id: str, agreement: str) -> Evidence:
        body: dict[str, Any] = {"quote_id": quote_id, "gateway": BY_PAYER, "payment_method": agreement}
        profile = next((one for one in who.get("/v1/billing-profiles") if one["is_default"]), None)
        if profile is not None:
            body["billing_profile_id"] = profile["id"]
        placed: Evidence = who.post("/v1/purchases", body, expect=201, key=str(uuid7()))
        check(placed["by_payer"], "somebody else pays", placed)
        return placed

    def _leave_payer(self, who: DemoClient) -> None:
        """Who is paid for pays for nobody: the dealer leaves the headquarters' agreement before it pays for the circle."""
        who.post(f"/v1/payer-agreements/{self.facts['agreement']}/end")

    def _until_active(self, who: DemoClient, order_id: str) -> Evidence:
        def active() -> Evidence | None:
            order: Evidence = who.get(f"/v1/orders/{order_id}")
            return order if order["state"] == "active" else None

        return wait(active, f"order {order_id} is active")
