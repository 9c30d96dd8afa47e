"""What the demo's steps share: its people, what it learned so far, and how it looks things up over public HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from app.demo.demo_client import DemoClient
from app.demo.gateway_player import GatewayPlayer
from app.demo.outcome import StepFailed
from kernel.ids import uuid7

SECOND = 7
"""Second of the video at which the card is used."""
WAIT_S = 60.0
FOLLOWED_S = 2.5

Evidence = dict[str, Any]


@dataclass
class DemoSession:
    """State of the demo between its steps."""

    base_url: str
    seller_url: str
    password: str
    video_file: Path
    folder: Path
    player: GatewayPlayer = field(default_factory=GatewayPlayer)
    people: dict[str, DemoClient] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def ask_quote(self, seats: int) -> Evidence:
        """A price for so many seats, asked from inside the video."""
        body = {
            "plan_id": self.facts["plan"],
            "quantity": seats,
            "video_id": self.facts["video"],
            "placement_id": self.facts["placement"],
            "second": min(SECOND, self.facts["duration_ms"] // 1000),
        }
        found: Evidence = self.people["buyer"].post("/v1/quotes", body, expect=201)
        return found

    def accept(self, quote_id: str, po_number: str, *, by: str = "buyer", card: str = "") -> Evidence:
        """Accept a quote as a buyer; a second press of the button changes nothing."""
        buyer = self.people[by]
        profile = next(item for item in buyer.get("/v1/billing-profiles") if item["is_default"])
        body = {
            "quote_id": quote_id,
            "billing_profile_id": profile["id"],
            "payment_method": card or self.player.good_card,
            "po_number": po_number,
        }
        key = str(uuid7())
        placed: Evidence = buyer.post("/v1/purchases", body, expect=201, key=key)
        again = buyer.post("/v1/purchases", body, expect=201, key=key)
        check(again["id"] == placed["id"], "the same idempotency key twice is one purchase", again)
        return placed

    def find_entitlement(self, order_id: str) -> Evidence:
        """The entitlement that delivers an order."""
        items = self.people["owner"].get("/v1/entitlements", limit="50")["items"]
        found: Evidence = next(item for item in items if item["order_id"] == order_id)
        return found

    def await_document(self, order_id: str, kind: str, *, of: str = "buyer") -> Evidence:
        """The order's document of a kind, once it is drawn."""

        def rendered() -> Evidence | None:
            items = self.people[of].get("/v1/invoices", order_id=order_id, kind=kind)["items"]
            return items[0] if items and items[0]["has_pdf"] else None

        return wait(rendered, f"the {kind} is rendered")

    def save(self, document: Evidence, name: str) -> tuple[Path, Path]:
        """Download both files of a document into the demo's folder."""
        buyer = self.people["buyer"]
        pdf, xml = self.folder / f"{name}.pdf", self.folder / f"{name}.xml"
        pdf.write_bytes(buyer.read(f"/v1/invoices/{document['id']}/pdf"))
        xml.write_bytes(buyer.read(f"/v1/invoices/{document['id']}/xml"))
        check(pdf.read_bytes()[:5] == b"%PDF-", "the file is a PDF", {"pdf": str(pdf)})
        check(b"CrossIndustryInvoice" in xml.read_bytes(), "the XML is a CII invoice", {"xml": str(xml)})
        return pdf, xml

    def await_share(self, path: str, role: str) -> Evidence:
        """The party's share of what this video sold, once its release date is known."""

        def delivered() -> Evidence | None:
            items = self.people[role].get(path)["items"]
            found = next((item for item in items if item["video_id"] == self.facts["video"]), None)
            return found if found and found["releasable_at"] else None

        return wait(delivered, f"the {role}'s share has its release date")

    def move(self, seconds: int) -> Evidence:
        """Move the sandbox's clock. Every process follows it within two seconds."""
        moved: Evidence = self.people["operator"].post("/v1/operator/clock", {"advance_s": seconds})
        self.facts["now"] = moved["now"]
        time.sleep(FOLLOWED_S)
        return moved

    def move_until(self, at: datetime) -> None:
        """Move the sandbox's clock to an instant, which lies ahead."""
        now = self.people["operator"].post("/v1/operator/clock", {"advance_s": 1})["now"]
        self.move(max(1, int((at - datetime.fromisoformat(now)).total_seconds()) + 1))

    def find_order_in(self, order_id: str, state: str) -> Evidence | None:
        """The order when it is in this state."""
        order: Evidence = self.people["buyer"].get(f"/v1/orders/{order_id}")
        return order if order["state"] == state else None

    def find_ended_tenant(self, entitlement_id: str) -> Evidence | None:
        """The seller's own counts once its log says that the tenant is gone."""
        log = httpx.get(
            f"{self.seller_url}/log", params={"entitlement_id": entitlement_id}, timeout=10, trust_env=False
        ).json()
        ended = [effect for effect in log["effects"] if "ended" in str(effect.get("kind") or effect.get("effect"))]
        return log["counts"] if ended else None


def wait(look: Callable[[], Evidence | None], what: str) -> Evidence:
    """What `look` finds within the time a person would wait. Raises StepFailed."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise StepFailed(f"waited {WAIT_S:.0f} s in vain: {what}", {})


def check(holds: bool, what: str, evidence: Evidence) -> None:  # noqa: FBT001 - reads as a sentence
    """Raises StepFailed unless it holds."""
    if not holds:
        raise StepFailed(f"not so: {what}", evidence)
