"""The closed loop once, over public HTTP only: every step asserts what it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import httpx

from app.demo.demo_client import DemoClient
from app.demo.demo_session import SECOND, Evidence, check, wait
from app.demo.outcome import StepFailed
from app.demo.second_year import SecondYear
from kernel import clock
from kernel.ids import uuid7

SEATS = 20
HOLD_S = 8 * 24 * 3600
"""The sandbox's clock is moved this far: past the hold of seven days."""
PLAN = "pro"


class DemoStory(SecondYear):
    """The steps, in the order they are told."""

    def steps(self, *, short: bool = False) -> list[tuple[str, Callable[[], Evidence]]]:
        """Every step in order; `short`: without what recurs."""
        return [
            ("sign in", self.sign_in),
            ("upload", self.upload),
            ("examine", self.examine),
            ("publish", self.publish),
            ("view and click", self.view_and_click),
            ("quote", self.quote),
            ("purchase", self.purchase),
            ("pay and provision", self.pay_and_provision),
            ("seller's own log", self.seller_log),
            ("entitlement", self.entitlement),
            ("invoice", self.invoice),
            ("share", self.share),
            ("statement", self.statement),
            ("payout", self.payout),
            ("trace", self.trace),
            ("refund", self.refund),
            ("credit note", self.credit_note),
            *([] if short else self.recurring_steps()),
            *self.closing_steps(),
        ]

    # ── the video ────────────────────────────────────────────────────────────────────────────────────────────────────

    def sign_in(self) -> Evidence:
        """A promoter, a seller's finance person, a buyer's owner and purchaser, and an operator."""
        wanted = {
            "promoter": "owner@qidian.example",
            "seller": "owner@yihao.example",
            "owner": "owner@xinghe.example",
            "buyer": "buyer@xinghe.example",
            "second buyer": "owner@lakeside.example",
            "operator": "operator@market.example",
        }
        for role, email in wanted.items():
            self.people[role] = DemoClient(self.base_url, email, self.password)
        return {role: person.email for role, person in self.people.items()}

    def upload(self) -> Evidence:
        """The promoter streams a real MP4 to its channel."""
        promoter = self.people["promoter"]
        made = promoter.post(
            "/v1/videos",
            {"title": "一块屏管完校招：实测", "title_en": "A campus season on one screen, tried"},
            expect=201,
        )
        self.facts["video"] = made["id"]
        stored = promoter.upload(f"/v1/videos/{made['id']}/upload", self.video_file)
        return {"video": made["id"], "bytes": stored["size_bytes"], "sha256": stored["sha256"][:16]}

    def examine(self) -> Evidence:
        """A job decodes the file: duration, codecs, cover."""

        def ready() -> Evidence | None:
            found = self.people["promoter"].get(f"/v1/seller/videos/{self.facts['video']}")
            video = found["video"]
            if video["state"] == "refused":
                raise StepFailed("the video was refused", video)
            return found if video["state"] == "ready" else None

        found = wait(ready, "the video is examined")
        video = found["video"]
        self.facts["duration_ms"] = video["duration_ms"]
        return {
            "duration_ms": video["duration_ms"],
            "size": f"{video['width']}x{video['height']}",
            "codecs": f"{found['video_codec']}+{found['audio_codec']}",
            "cover_bytes": len(self.people["promoter"].read(video["cover_url"])),
        }

    def publish(self) -> Evidence:
        """A card of the seller's plan from second 3 to the end, a claim, and out it goes."""
        promoter = self.people["promoter"]
        listing = next(
            item
            for item in promoter.get("/v1/listings", limit="50")["items"]
            if any(plan["code"] == PLAN for plan in item["plans"]) and item["org_id"] == self.people["seller"].org_id
        )
        plan = next(plan for plan in listing["plans"] if plan["code"] == PLAN)
        start_ms = min(3_000, self.facts["duration_ms"] // 3)
        card = {"plan_id": plan["id"], "start_ms": start_ms, "end_ms": self.facts["duration_ms"], "action": "buy"}
        placement = promoter.post(f"/v1/videos/{self.facts['video']}/placements", card, expect=201)
        claim = {
            "kind": "included_seats",
            "at_ms": start_ms,
            "text": "含 20 席位",
            "text_en": "20 seats included",
            "value_int": 20,
        }
        promoter.post(f"/v1/placements/{placement['id']}/claims", claim, expect=201)
        published = promoter.post(f"/v1/videos/{self.facts['video']}/publish")
        self.facts |= {"placement": placement["id"], "plan": plan["id"], "unit_price": plan["unit_price"]}
        check(published["state"] == "published", "the video is published", published)
        return {"listing": listing["title"], "plan": plan["name"], "price": plan["unit_price"], "state": "published"}

    def view_and_click(self) -> Evidence:
        """The buyer watches, the player reports it in a batch; a repeated batch counts once."""
        buyer = self.people["buyer"]
        video = buyer.get(f"/v1/videos/{self.facts['video']}")
        first = buyer.read(video["media_url"])[:12]
        check(first[4:8] == b"ftyp", "the media is an MP4", {"first_bytes": first.hex()})
        now = clock.wall_now().isoformat()
        shared = {"occurred_at": now, "video_id": self.facts["video"]}
        events = [
            {"id": str(uuid7()), "kind": "impression", "second": 0, "watched_ms": 0, **shared},
            {"id": str(uuid7()), "kind": "view", "second": SECOND, "watched_ms": SECOND * 1000, **shared},
            {
                "id": str(uuid7()),
                "kind": "card_click",
                "second": SECOND,
                "watched_ms": SECOND * 1000,
                "placement_id": self.facts["placement"],
                **shared,
            },
        ]
        recorded = buyer.post("/v1/touchpoints", {"events": events}, expect=202)
        again = buyer.post("/v1/touchpoints", {"events": events}, expect=202)
        check(recorded["accepted"] == len(events), "all events are accepted", recorded)
        check(again["duplicates"] == len(events), "repeated events are recognised", again)
        return {"accepted": recorded["accepted"], "duplicates_on_repeat": again["duplicates"], "click": events[2]["id"]}

    # ── the purchase ─────────────────────────────────────────────────────────────────────────────────────────────────

    def quote(self) -> Evidence:
        """The server prices twenty seats; tax and claims are shown."""
        quote = self.ask_quote(SEATS)
        expected = self.facts["unit_price"]["amount"] * SEATS
        check(quote["gross"]["amount"] == expected, "the quote is price times seats", quote["gross"])
        check(quote["net"]["amount"] + quote["tax"]["amount"] == expected, "net and tax add up", quote)
        check(all(claim["ok"] for claim in quote["claims"]), "the claims are kept", quote)
        self.facts["quote"] = quote["id"]
        return {
            "quote": quote["id"],
            "net": quote["net"],
            "tax": quote["tax"],
            "gross": quote["gross"],
            "claims": [f"{claim['second']} s {claim['text']} ok={claim['ok']}" for claim in quote["claims"]],
            "needs_approval": quote["needs_approval"],
        }

    def purchase(self) -> Evidence:
        """Accept the quote; the same idempotency key twice is one purchase."""
        placed = self.accept(self.facts["quote"], "PO-2026-0042", card=self.player.first_card)
        self.facts |= {"purchase": placed["id"], "order": placed["orders"][0]["id"]}
        return {
            "purchase": placed["id"],
            "order": placed["orders"][0]["number"],
            "state": placed["state"],
            "attribution": placed["orders"][0]["lines"][0]["attribution"],
            "second": placed["orders"][0]["lines"][0]["second"],
        }

    def pay_and_provision(self) -> Evidence:
        """Follow the live progress to `active`: paid, provisioned in the seller's own process, usable."""
        order_id = self.facts["order"]
        seen: list[str] = []

        def note(progress: Evidence) -> None:
            shown = f"{progress['state']} {progress['percent']}%"
            if not seen or seen[-1] != shown:
                seen.append(shown)
            if progress["next_action"] is not None and "led" not in self.facts:
                self.facts["led"] = progress["next_action"]["url"]
                self.player.pay(self.facts["led"])

        self.people["buyer"].watch_progress(f"/v1/orders/{order_id}/progress", note)
        order = self.people["buyer"].get(f"/v1/orders/{order_id}")
        check(order["state"] == "active", "the order is active", order)
        payment = self.people["buyer"].get(f"/v1/payments/{order['payment_id']}")
        check(payment["state"] == "succeeded", "the payment succeeded", payment)
        check(payment["gateway"] == self.player.gateway, "it went through the gateway", payment)
        self.facts["payment"] = payment["id"]
        return {
            "progress": seen,
            "payment": payment["id"],
            "gateway": payment["gateway"],
            **({"paid_on": self.facts["led"]} if "led" in self.facts else {}),
            "amount": payment["amount"],
            "paid_at": order["paid_at"],
            "active_at": order["active_at"],
        }

    def seller_log(self) -> Evidence:
        """What the seller's separate process wrote down by itself: one tenant, once."""
        entitlement = self.find_entitlement(self.facts["order"])
        self.facts["entitlement"] = entitlement["id"]
        log = httpx.get(
            f"{self.seller_url}/log", params={"entitlement_id": entitlement["id"]}, timeout=10, trust_env=False
        ).json()
        made = [effect for effect in log["effects"] if "created" in str(effect.get("kind") or effect.get("effect"))]
        check(len(made) == 1, "exactly one instance was created", log)
        runs = self.people["seller"].get("/v1/seller/runs", limit="5")["items"]
        return {"counts": log["counts"], "effects": log["effects"], "run": runs[0]["id"], "tries": runs[0]["tries"]}

    def entitlement(self) -> Evidence:
        """Seats can be given; the seller's system can ask."""
        owner = self.people["owner"]
        entitlement = owner.get(f"/v1/entitlements/{self.facts['entitlement']}")
        check(entitlement["state"] == "active" and entitlement["seats"] == SEATS, "seats are as bought", entitlement)
        path = f"/v1/entitlements/{entitlement['id']}/seats"
        seat = owner.post(path, {"person_id": self.people["buyer"].person_id}, expect=201, key=str(uuid7()))
        checked = self.people["seller"].get("/v1/entitlements/check", entitlement_id=entitlement["id"])
        return {
            "entitlement": entitlement["id"],
            "tenant": entitlement["external_id"],
            "seats": f"{checked['seats_used']}/{checked['seats']}",
            "seat": seat["id"],
            "valid_to": entitlement["valid_to"],
        }

    # ── the paperwork and the money ──────────────────────────────────────────────────────────────────────────────────

    def invoice(self) -> Evidence:
        """The invoice made itself: gapless number, PDF/A-3 with the EN 16931 XML inside."""
        found = self.await_document(self.facts["order"], "invoice")
        self.facts["invoice"] = found["id"]
        pdf, xml = self.save(found, "invoice")
        detail = self.people["buyer"].get(f"/v1/invoices/{found['id']}")
        check(sum(line["gross"]["amount"] for line in detail["lines"]) == detail["gross"]["amount"], "sums", detail)
        return {
            "number": found["number"],
            "net": found["net"],
            "tax": found["tax"],
            "gross": found["gross"],
            "po_number": found["po_number"],
            "pdf": str(pdf),
            "pdf_bytes": pdf.stat().st_size,
            "xml": str(xml),
        }

    def share(self) -> Evidence:
        """Seller and promoter each see what is theirs, and when it will be released."""
        seller = self.await_share("/v1/seller/shares", "seller")
        promoter = self.await_share("/v1/promoter/shares", "promoter")
        parts = seller["amount"]["amount"] + seller["commission"]["amount"] + promoter["amount"]["amount"]
        check(parts == seller["gross"]["amount"], "the parts are the whole", {"parts": parts, "line": seller})
        check(promoter["video_id"] == self.facts["video"], "the promoter's share names the video", promoter)
        return {
            "gross": seller["gross"],
            "seller": seller["amount"],
            "commission": seller["commission"],
            "promoter": promoter["amount"],
            "releasable_at": seller["releasable_at"],
        }

    def statement(self) -> Evidence:
        """The sandbox's clock moves past the hold; the operator closes the period."""
        operator = self.people["operator"]
        for role in ("seller", "promoter"):
            self.player.join(self.people[role], self.facts["unit_price"]["currency"])
        moved = self.move(HOLD_S)

        def closed() -> Evidence | None:
            # Where the days moved cross the end of a month, its statements are closed by themselves.
            operator.post("/v1/operator/statements", {}, expect=201)
            found = {role: self.people[role].get("/v1/statements")["items"] for role in ("seller", "promoter")}
            return {role: items[0] for role, items in found.items()} if all(found.values()) else None

        statements = wait(closed, "both statements are closed")
        self.facts["statements"] = {role: found["id"] for role, found in statements.items()}
        own = self.people["seller"].get(f"/v1/statements/{statements['seller']['id']}")
        check(sum(line["net"]["amount"] for line in own["lines"]) == own["net"]["amount"], "lines are the net", own)
        return {
            "clock_now": moved["now"],
            "seller": f"{own['number']} net {own['net']['amount']} {own['net']['currency']}",
            "promoter": f"{statements['promoter']['number']} net {statements['promoter']['net']['amount']}",
        }

    def payout(self) -> Evidence:
        """One payout per statement, sent and confirmed."""
        operator = self.people["operator"]
        for statement_id in self.facts["statements"].values():
            body = self.player.payout(statement_id)
            operator.post("/v1/operator/payouts", body, expect=201, key=str(uuid7()))

        def paid(role: str) -> Evidence | None:
            found = self.people[role].get("/v1/payouts")["items"]
            return found[0] if found and found[0]["state"] == "paid" else None

        done = {role: wait(partial(paid, role), f"the {role} is paid") for role in self.facts["statements"]}
        self.facts["payout"] = done["promoter"]["id"]
        return {role: {"payout": found["id"], "amount": found["amount"]} for role, found in done.items()}

    def trace(self) -> Evidence:
        """From the cents of the promoter's payout back to the second of the video, and nothing missing."""
        whole = self.people["operator"].get(f"/v1/trace/{self.facts['payout']}")
        kinds = [node["kind"] for node in whole["nodes"]]
        needed = {"touchpoint", "video", "attribution", "order", "payment", "run", "entitlement", "invoice", "share"}
        check(needed <= set(kinds), "every kind of fact is there", {"missing": sorted(needed - set(kinds))})
        check(whole["whole"], "no link is missing", {"gaps": whole["gaps"]})
        promoter = self.people["promoter"].get(f"/v1/trace/{self.facts['payout']}")
        seen = {node["kind"] for node in promoter["nodes"]}
        check(not seen & {"purchase", "payment", "touchpoint"}, "the promoter sees no buyer", {"kinds": sorted(seen)})
        self.facts["trace"] = whole
        second = next(node["facts"]["second_ms"] for node in whole["nodes"] if node["kind"] == "attribution")
        return {"facts": len(kinds), "second_ms": second, "kinds": sorted(set(kinds)), "promoter_sees": sorted(seen)}

    # ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────────

    def refund(self) -> Evidence:
        """A second purchase, regretted inside its window: money back, tenant gone."""
        placed = self.accept(self.ask_quote(SEATS)["id"], "PO-2026-0043")
        order_id = placed["orders"][0]["id"]
        buyer = self.people["buyer"]
        buyer.watch_progress(f"/v1/orders/{order_id}/progress", lambda _: None)
        self.await_document(order_id, "invoice")
        asked = buyer.post(f"/v1/orders/{order_id}/refunds", {"reason": "选错了席位数"}, expect=201, key=str(uuid7()))
        order = wait(lambda: self.find_order_in(order_id, "refunded"), "the order is refunded")
        self.facts["refunded_order"] = order_id
        entitlement = self.find_entitlement(order_id)
        wait(lambda: self.find_ended_tenant(entitlement["id"]), "the seller took the tenant down")
        return {"order": order["number"], "refund": asked["id"], "amount": asked["amount"], "state": order["state"]}

    def credit_note(self) -> Evidence:
        """The refund of an invoiced order issued its credit note by itself."""
        found = self.await_document(self.facts["refunded_order"], "credit_note")
        original = self.await_document(self.facts["refunded_order"], "invoice")
        check(found["original_invoice_id"] == original["id"], "it names the original", found)
        check(found["gross"] == original["gross"], "it takes back the whole", {"note": found, "invoice": original})
        pdf, _ = self.save(found, "credit-note")
        return {"number": found["number"], "original": original["number"], "gross": found["gross"], "pdf": str(pdf)}
