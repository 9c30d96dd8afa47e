"""The part of the local Stripe that keeps books: its balance with fees and exchanges, connected accounts, and reversals.

Shapes as docs.stripe.com/api/balance_transactions/object, /accounts/object, /transfer_reversals/object. `settles` says in which
currency the balance takes another one, and at what rate (parts per million); `fee_ppm` and `fee_fixed` what a charge costs.
"""

from __future__ import annotations

import secrets
from copy import deepcopy
from typing import Any

from app.local_stripe.shapes import StripeFault

Fields = dict[str, str]
DISPUTE_FEE = 1_500
NEEDED = ("business_profile.url", "external_account", "tos_acceptance.date")


class StripeBooks:
    """The base of `LocalStripe`."""

    address: str

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.settles: dict[str, tuple[str, int]] = {}
        self.fee_ppm = 0
        self.fee_fixed = 0
        self.links: list[dict[str, Any]] = []
        self.now = 1_700_000_000

    def connect(self, method: str, pieces: list[str], fields: Fields) -> dict[str, Any] | None:
        """Answer what belongs to this part; None for everything else."""
        match [method, *pieces]:
            case [_, "balance"]:
                answer = self._balance(fields.get("_account"))
            case [_, "balance_transactions"]:
                answer = self._transactions(fields)
            case ["GET", "transfers", name, "reversals"]:
                answer = self._reversals(name)
            case ["GET", "payment_intents", name] if "expand[0]" in fields:
                answer = self._expanded(name)
            case ["POST", "accounts"]:
                answer = self._open_account(fields)
            case ["POST", "account_links"]:
                answer = self._link(fields)
            case ["POST", "transfers", name, "reversals"]:
                answer = self.reverse(name, int(fields["amount"]), fields)
            case _:
                return None
        return answer

    # ── the balance ──

    def account_for(self, made: dict[str, Any]) -> None:
        """Book what a new object has moved."""
        kind = made["object"]
        if kind == "payment_intent" and made["status"] == "succeeded":
            charge = {"id": f"ch_{secrets.token_hex(8)}", "object": "charge", "payment_intent": made["id"]}
            charge |= {name: made[name] for name in ("amount", "currency", "metadata")}
            self.objects[charge["id"]] = charge
            self.objects[made["id"]]["latest_charge"] = charge["id"]
            amount, currency = self.settled(made["amount"], made["currency"])
            fee = amount * self.fee_ppm // 1_000_000 + self.fee_fixed
            charge["balance_transaction"] = self.enter("charge", amount, currency, charge, fee)["id"]
        elif kind == "refund":
            self.enter("refund", *self.settled(-made["amount"], made["currency"]), made)
        elif kind == "transfer":
            self.enter("transfer", -made["amount"], made["currency"], made)
            self._hold(made["destination"], made["amount"], made["currency"])
        elif kind == "dispute":
            amount, currency = self.settled(-made["amount"], made["currency"])
            entry: dict[str, Any] = self.enter("adjustment", amount, currency, made, DISPUTE_FEE)
            self.objects[made["id"]]["balance_transactions"] = [self._bare(entry)]

    def _hold(self, account: str, amount: int, currency: str) -> None:
        """Put money into a connected account of this Stripe, or take it out."""
        if account in self.objects:
            held: dict[str, int] = self.objects[account]["_held"]
            held[currency] = held.get(currency, 0) + amount

    def _expanded(self, name: str) -> dict[str, Any]:
        """A payment with its charge, and the charge with its entry."""
        found = deepcopy(self.objects[name])
        charge = deepcopy(self.objects.get(found.get("latest_charge") or ""))
        if charge is not None:
            charge["balance_transaction"] = next(
                one for one in self.entries if one["id"] == charge["balance_transaction"]
            )
            found["latest_charge"] = charge
        return found

    def _reversals(self, name: str) -> dict[str, Any]:
        made = [
            one for one in self.objects.values() if one["object"] == "transfer_reversal" and one["transfer"] == name
        ]
        url = f"/v1/transfers/{name}/reversals"
        return {"object": "list", "url": url, "has_more": False, "data": deepcopy(made)}

    def settled(self, amount: int, currency: str) -> tuple[int, str]:
        """What becomes of an amount in the balance."""
        target, rate = self.settles.get(currency, (currency, 1_000_000))
        return (amount if target == currency else amount * rate // 1_000_000), target

    def enter(
        self, kind: str, amount: int, currency: str, source: dict[str, Any] | None, fee: int = 0
    ) -> dict[str, Any]:
        """Write an entry."""
        self.now += 1
        exchanged = source is not None and source.get("currency", currency) != currency
        entry: dict[str, Any] = {
            "id": f"txn_{len(self.entries):06d}{secrets.token_hex(4)}",
            "object": "balance_transaction",
            "amount": amount,
            "available_on": self.now,
            "created": self.now,
            "currency": currency,
            "description": None,
            "exchange_rate": self.settles[source["currency"]][1] / 1_000_000 if exchanged and source else None,
            "fee": fee,
            "fee_details": [],
            "net": amount - fee,
            "reporting_category": kind,
            "source": source["id"] if source else None,
            "status": "available",
            "type": kind,
        }
        self.entries.append(entry)
        return entry

    def held(self) -> dict[str, int]:
        """The balance: what every entry has left of it, by currency."""
        totals: dict[str, int] = {}
        for entry in self.entries:
            totals[entry["currency"]] = totals.get(entry["currency"], 0) + entry["net"]
        return totals

    def _balance(self, account: str | None) -> dict[str, Any]:
        held = self.held() if account is None else self.objects[account]["_held"]
        rows: list[Any] = [
            {"amount": amount, "currency": currency, "source_types": {}} for currency, amount in held.items()
        ]
        return {"object": "balance", "available": rows, "pending": [], "livemode": False}

    def _transactions(self, fields: Fields) -> dict[str, Any]:
        found = [entry for entry in reversed(self.entries) if entry["created"] >= int(fields.get("created[gte]", 0))]
        if after := fields.get("starting_after"):
            found = found[[entry["id"] for entry in found].index(after) + 1 :]
        limit = int(fields["limit"])
        data = deepcopy(found[:limit])
        for entry in data:
            if entry["source"] in self.objects and fields.get("expand[0]") == "data.source":
                entry["source"] = self._bare(self.objects[entry["source"]])
        return {
            "object": "list",
            "url": "/v1/balance_transactions",
            "has_more": len(found) > limit,
            "data": data,
        }

    @staticmethod
    def _bare(found: dict[str, Any]) -> dict[str, Any]:
        return deepcopy({name: value for name, value in found.items() if not name.startswith("_")})

    # ── what happens by itself ──

    def settle_payment(self, name: str, status: str) -> None:
        """A payment that was processing ends."""
        self.objects[name]["status"] = status
        self.account_for(self.objects[name])

    def fail_refund(self, name: str) -> None:
        """A refund that had succeeded comes back."""
        refund = self.objects[name]
        refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        self.enter("refund_failure", *self.settled(refund["amount"], refund["currency"]), refund)

    def return_payment(self, name: str) -> None:
        """The payer's bank takes a payment back that had succeeded."""
        intent = self.objects[name]
        intent["status"] = "requires_payment_method"
        charge = self.objects[intent["latest_charge"]]
        self.enter("payment_failure_refund", *self.settled(-intent["amount"], intent["currency"]), charge)

    def decide(self, name: str, *, won: bool) -> None:
        """A bank decides a dispute; of one that is won everything comes back, the fee too."""
        dispute = self.objects[name]
        dispute["status"] = "won" if won else "lost"
        if won:
            amount, currency = self.settled(dispute["amount"], dispute["currency"])
            entry = self.enter("adjustment", amount, currency, dispute, -DISPUTE_FEE)
            dispute["balance_transactions"].append(self._bare(entry))

    def reverse(self, name: str, amount: int, fields: Fields | None = None) -> dict[str, Any]:
        """A transfer comes back, in part or whole."""
        transfer = self.objects.get(name)
        if transfer is None:
            raise StripeFault(404, type="invalid_request_error", code="resource_missing", message="No such transfer")
        if transfer["amount_reversed"] + amount > transfer["amount"]:
            raise StripeFault(400, type="invalid_request_error", code="amount_too_large", message="too much")
        account = self.objects.get(transfer["destination"])
        if account is not None and account["_held"].get(transfer["currency"], 0) < amount:
            raise StripeFault(400, type="invalid_request_error", code="balance_insufficient", message="it is spent")
        self._hold(transfer["destination"], -amount, transfer["currency"])
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        made: dict[str, Any] = {
            "id": f"trr_{secrets.token_hex(8)}",
            "object": "transfer_reversal",
            "amount": amount,
            "currency": transfer["currency"],
            "transfer": name,
            "metadata": {key[9:-1]: value for key, value in (fields or {}).items() if key.startswith("metadata[")},
        }
        self.objects[made["id"]] = made
        self.enter("transfer_refund", amount, transfer["currency"], made)
        return deepcopy(made)

    def pay_to_bank(self, amount: int, currency: str) -> None:
        """The balance is paid to the platform's own bank account."""
        made: dict[str, Any] = {
            "id": f"po_{secrets.token_hex(8)}",
            "object": "payout",
            "amount": amount,
            "currency": currency,
        }
        self.objects[made["id"]] = made
        self.enter("payout", -amount, currency, made)

    # ── connected accounts ──

    def _open_account(self, fields: Fields) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": f"acct_{secrets.token_hex(8)}",
            "object": "account",
            "type": fields["type"],
            "country": fields["country"],
            "charges_enabled": False,
            "payouts_enabled": False,
            "details_submitted": False,
            "capabilities": {"transfers": "inactive"},
            "requirements": {"currently_due": list(NEEDED), "past_due": [], "disabled_reason": "requirements.past_due"},
            "metadata": {name[9:-1]: value for name, value in fields.items() if name.startswith("metadata[")},
            "_held": {},
        }
        self.objects[made["id"]] = made
        return self._bare(made)

    def _link(self, fields: Fields) -> dict[str, Any]:
        if fields["account"] not in self.objects:
            raise StripeFault(404, type="invalid_request_error", code="resource_missing", message="No such account")
        link = {
            "object": "account_link",
            "created": self.now,
            "expires_at": self.now + 300,
            "url": f"{self.address}/connect/{secrets.token_hex(6)}",
        }
        self.links.append({**link, **fields})
        return link

    def pay_account_out(self, name: str) -> None:
        """What is in a connected account goes to its owner's bank, as it does every day."""
        self.objects[name]["_held"] = {}

    def complete_account(self, name: str) -> None:
        """Its owner has told everything."""
        self.objects[name] |= {
            "charges_enabled": True,
            "payouts_enabled": True,
            "details_submitted": True,
            "capabilities": {"transfers": "active"},
            "requirements": {"currently_due": [], "past_due": [], "disabled_reason": None},
        }

    def restrict_account(self, name: str, *due: str) -> None:
        """Something is wanted of it again, and until then nothing goes."""
        self.objects[name] |= {
            "payouts_enabled": False,
            "capabilities": {"transfers": "inactive"},
            "requirements": {
                "currently_due": list(due),
                "past_due": list(due),
                "disabled_reason": "requirements.past_due",
            },
        }
