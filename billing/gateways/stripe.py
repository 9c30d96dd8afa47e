"""The Stripe gateway: PaymentIntents, refunds and Connect transfers through the official SDK.

Separate charges and transfers: the platform takes the payment, parties are paid by transfers to their connected accounts.
The SDK's own retries are off: after a call without an answer the janitor asks, with the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import msgspec
import stripe

from billing.gateways.evidence_names import ascii_file_name
from billing.gateways.ports import (
    EvidencePurpose,
    EvidenceRequest,
    GatewayAnswer,
    GatewayMethod,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    OwnSubject,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.stripe_accounts import StripeAccounts
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from billing.gateways.stripe_balance import StripeBalance
from billing.gateways.stripe_calls import call as _call
from billing.gateways.stripe_calls import plain as _plain
from billing.gateways.stripe_checkout import ATTEMPT, HOSTED, HOSTED_KEPT, StripePayments
from billing.gateways.stripe_customers import CustomerBook, StripeCustomers
from billing.gateways.stripe_transfers import StripeTransfers
from kernel.money import Money

NAME: Final = "stripe"
ADDRESS: Final = "https://api.stripe.com"
PAGES: Final = ("https://checkout.stripe.com", "https://hooks.stripe.com")
"""Where payers are sent: https://docs.stripe.com/security/guide#content-security-policy"""
TIMEOUT_S: Final = 20
"""Of a call; below `submit_or_query.CALL_LASTS`."""


class _Subject(msgspec.Struct):
    """What an event is about. Some things, as the balance, have no id."""

    id: str = ""
    object: str = ""
    status: Any = None
    metadata: dict[str, Any] | None = None
    mode: Any = None
    customer: Any = None


class _Data(msgspec.Struct):
    object: _Subject = msgspec.field(default_factory=_Subject)
    previous_attributes: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    """An event, or what Stripe's second API sends instead: one that only names what it is about.

    https://docs.stripe.com/event-destinations#thin-payload
    """

    id: str
    type: str
    livemode: bool
    data: _Data = msgspec.field(default_factory=_Data)
    related_object: _Subject | None = None


_REFUND: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "pending": GatewayStatus.PENDING,
    "requires_action": GatewayStatus.PENDING,
    "failed": GatewayStatus.FAILED,
    "canceled": GatewayStatus.FAILED,
}
_DISPUTE: Final = {
    # https://docs.stripe.com/api/disputes/object: every other status waits for the bank. Inquiries take no money.
    "won": GatewayStatus.SUCCEEDED,
    "prevented": GatewayStatus.SUCCEEDED,
    "lost": GatewayStatus.FAILED,
}
_EVIDENCE: Final[Mapping[EvidencePurpose, str]] = {
    "service": "service_documentation",
    "communication": "customer_communication",
    "other": "uncategorized_file",
}
"""Stripe's place for a document: https://docs.stripe.com/api/disputes/evidence_object"""
_SAID: Final[Mapping[str, Mapping[str, GatewayStatus]]] = {
    "payment_intent": {"succeeded": GatewayStatus.SUCCEEDED, "canceled": GatewayStatus.FAILED},
    "refund": {status: said for status, said in _REFUND.items() if said is not GatewayStatus.PENDING},
}
"""Outcomes that an event itself tells of, by what it is about."""


class StripeGateway:
    """See the module. `base_address` is Stripe's own, or a local test server's; of `webhook_secret` there may be several,
    separated by commas, while one is replaced.

    `payments_at`: under which address, followed by our payment's id and `/return`, a payer comes back from another's page.
    Without one no payer is sent anywhere: a payment that has to be confirmed then waits for its deadline.
    `customers`: whose methods are kept; without it, nobody's.
    """

    name: Final = NAME
    hosted: Final = HOSTED
    hosted_kept: Final = HOSTED_KEPT

    def __init__(
        self,
        api_key: str,
        webhook_secret: str,
        *,
        base_address: str = ADDRESS,
        payments_at: str | None = None,
        customers: CustomerBook | None = None,
    ) -> None:
        self._secrets = tuple(filter(None, (one.strip() for one in webhook_secret.split(","))))
        if not self._secrets:
            # With an empty secret anybody could sign a notice.
            msg = "the webhook secret must not be empty"
            raise ValueError(msg)
        self._live = "_live_" in api_key
        # Files have an address of their own; a local test server is both.
        addresses: Any = {"api": base_address} | ({} if base_address == ADDRESS else {"files": base_address})
        client = stripe.StripeClient(
            api_key,
            base_addresses=addresses,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        )
        self._api = client.v1
        self.balance: Final = StripeBalance(client.v1)
        self.accounts: Final = StripeAccounts(client.v1)
        self.payer_origins: tuple[str, ...] = PAGES if base_address == ADDRESS else (base_address,)
        self._customers = StripeCustomers(client.v1, customers)
        self._transfers = StripeTransfers(client.v1)
        self._payments = StripePayments(client.v1, self._customers, payments_at)

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Charge a method; by `checkout` or `checkout_kept`, open the page on which its payer chooses one."""
        by_page = request.method_token in {HOSTED, HOSTED_KEPT}
        return self._payments.open_page(request) if by_page else self._payments.charge(request)

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else by our key in its metadata."""
        by_page = request.method_token in {HOSTED, HOSTED_KEPT}
        find = self._payments.find_page if by_page else self._payments.find_charge
        return find(request, reference)

    def cancel(self, reference: str) -> GatewayAnswer:
        """Withdraw a payment; one that can no longer be withdrawn answers how it stands."""
        return self._payments.cancel(reference)

    def begin_setup(self, payer: UUID, key: str, currency: str, return_to: str) -> str:
        """See `MethodKeeper.begin_setup`."""
        return self._payments.open_setup(payer, key, currency, return_to)

    def list_methods(self, customer: str) -> tuple[GatewayMethod, ...]:
        """See `MethodKeeper.list_methods`."""
        return self._customers.list_methods(customer)

    def forget_method(self, token: str) -> None:
        """See `MethodKeeper.forget_method`."""
        self._customers.forget(token)

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Create a refund of a PaymentIntent."""
        params: dict[str, Any] = {
            "payment_intent": request.payment_reference,
            "amount": to_stripe(request.amount),
            "metadata": {**request.metadata, ATTEMPT: request.key},
        }
        create: Any = self._api.refunds.create
        return _refund(_call(lambda: create(params=params, options={"idempotency_key": request.key})))

    def find_refund(self, request: RefundRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else among the refunds of its payment."""
        retrieve: Any = self._api.refunds.retrieve
        if reference is not None:
            return _refund(_call(lambda: retrieve(reference)))
        wanted: Any = {"payment_intent": request.payment_reference, "limit": 100}
        found = _call(lambda: _ours(self._api.refunds.list(params=wanted).auto_paging_iter(), request.key))
        return _refund(found) if found is not None else None

    def pay_out(self, request: PayoutRequest) -> GatewayAnswer:
        """Transfer to the party's connected account."""
        return self._transfers.create(request)

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else by our key."""
        return self._transfers.find(request, reference)

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """Verify Stripe's signature (tolerance 300 s, Stripe's own default) and the mode of the event."""
        signature = {name.lower(): value for name, value in headers.items()}.get("stripe-signature")
        self._require_signed(body, signature)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except (msgspec.DecodeError, RecursionError) as error:
            raise GatewayRefused("event_unreadable") from error
        if event.livemode != self._live:
            raise GatewayRefused("mode_differs")
        subject = event.data.object
        status = str(subject.status or "")
        paid = subject.object == "checkout.session" and subject.mode == "payment"
        return GatewayWebhook(
            event.id,
            event.type,
            subject.id or (event.related_object or subject).id,
            {"metadata": subject.metadata or {}, "type": event.type},
            subject=subject.object if subject.object in {"refund", "dispute", "account"} else "",
            says=_SAID.get(subject.object, {}).get(status),
            needs_person=subject.object == "dispute" and status.startswith("warning_"),
            about="payment" if paid else "",
            customer=_whose_methods(subject, event.data.previous_attributes),
        )

    def _require_signed(self, body: bytes, signature: str | None) -> None:
        """By any of the secrets: while one is replaced, Stripe signs by the old one and the new one."""
        tolerance = stripe.Webhook.DEFAULT_TOLERANCE
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, tolerance)
            except (ValueError, stripe.SignatureVerificationError):
                continue
            return
        raise GatewayRefused("signature_invalid")

    def look_up(self, subject: OwnSubject, reference: str) -> GatewayRecord | None:
        """A refund made in Stripe's dashboard, or a dispute. Of charges without a PaymentIntent nothing is ours."""
        retrieve: Any = self._api.refunds.retrieve if subject == "refund" else self._api.disputes.retrieve
        try:
            found = _call(lambda: retrieve(reference))
        except GatewayRefused:
            return None
        intent = getattr(found, "payment_intent", None)
        if not intent:
            return None
        if subject == "dispute":
            return _dispute(found)
        return GatewayRecord(
            status=_REFUND.get(found.status, GatewayStatus.PENDING),
            reference=found.id,
            payment_reference=str(intent),
            amount=from_stripe(int(found.amount), found.currency),
            code=str(getattr(found, "reason", None) or ""),
        )

    def submit_evidence(self, request: EvidenceRequest) -> GatewayRecord:
        """Upload the files, then update the dispute with them and submit it: see https://docs.stripe.com/disputes/api for how.

        Every call has a key of its own, made from the request's: one that is repeated uploads and submits nothing twice.
        """
        evidence: dict[str, Any] = {"uncategorized_text": request.text}
        for one in request.files:
            content = BytesIO(one.content)
            content.name = ascii_file_name(one.file_name, one.media_type)
            params: dict[str, Any] = {"purpose": "dispute_evidence", "file": content}
            options: Any = {"idempotency_key": f"{request.key}:{one.purpose}"}
            create: Any = self._api.files.create
            evidence[_EVIDENCE[one.purpose]] = _call(partial(create, params=params, options=options)).id
        update: Any = self._api.disputes.update
        changes: dict[str, Any] = {"evidence": evidence, "submit": True, "metadata": {ATTEMPT: request.key}}
        key = {"idempotency_key": request.key}
        return _dispute(_call(lambda: update(request.reference, params=changes, options=key)))


def _whose_methods(subject: _Subject, before: Mapping[str, Any] | None) -> str:
    """Of an event about a method, or a page on which one is kept: whose it is, or was."""
    if subject.object == "payment_method":
        return str(subject.customer or (before or {}).get("customer") or "")
    is_setup = subject.object == "setup_intent" or (subject.object == "checkout.session" and subject.mode == "setup")
    return str(subject.customer or "") if is_setup else ""


def _refund(refund: Any) -> GatewayAnswer:
    status = _REFUND.get(refund.status, GatewayStatus.PENDING)
    code = getattr(refund, "failure_reason", None) or refund.status
    return GatewayAnswer(
        status=status,
        reference=refund.id,
        amount=from_stripe(int(refund.amount), refund.currency),
        error_code=str(code) if status is GatewayStatus.FAILED else None,
    )


def _dispute(found: Any) -> GatewayRecord:
    """What an older version of the API leaves out is not known."""
    details = _plain(getattr(found, "evidence_details", None))
    moved = [_plain(one) for one in getattr(found, "balance_transactions", None) or []]
    fees = [from_stripe(int(one.get("fee") or 0), str(one["currency"])) for one in moved if one.get("currency")]
    due_by = details.get("due_by")
    return GatewayRecord(
        status=_DISPUTE.get(found.status, GatewayStatus.PENDING),
        reference=found.id,
        payment_reference=str(found.payment_intent),
        amount=from_stripe(int(found.amount), found.currency),
        code=str(getattr(found, "reason", None) or ""),
        due_by=datetime.fromtimestamp(int(due_by), UTC) if due_by else None,
        submitted=bool(details.get("submission_count")),
        fee=Money(sum(fee.amount_minor for fee in fees), fees[0].currency) if fees else None,
    )


def _ours(objects: Iterable[Any], key: str) -> Any | None:
    return next((found for found in objects if _plain(found.metadata).get(ATTEMPT) == key), None)
