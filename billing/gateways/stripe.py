"""The Stripe gateway: PaymentIntents, refunds and Connect transfers through the official SDK.

Separate charges and transfers: the platform takes the payment, parties are paid by transfers to their connected accounts.
The SDK's own retries are off: after a call without an answer the janitor asks, with the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any, Final, TypeVar

import msgspec
import stripe

from billing.gateways.evidence_names import ascii_file_name
from billing.gateways.ports import (
    EvidencePurpose,
    EvidenceRequest,
    GatewayAnswer,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    NotReached,
    OutcomeUnknown,
    OwnSubject,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.stripe_accounts import StripeAccounts
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from billing.gateways.stripe_balance import StripeBalance
from kernel.money import Money

T = TypeVar("T")
NAME: Final = "stripe"
ADDRESS: Final = "https://api.stripe.com"
ATTEMPT: Final = "attempt"
"""Our idempotency key in every object's metadata: by it an object is found when its answer was lost."""
TIMEOUT_S: Final = 20
"""Of a call; below `submit_or_query.CALL_LASTS`."""


class _Subject(msgspec.Struct):
    """What an event is about. Some things, as the balance, have no id."""

    id: str = ""
    object: str = ""
    status: Any = None
    metadata: dict[str, Any] | None = None


class _Data(msgspec.Struct):
    object: _Subject = msgspec.field(default_factory=_Subject)


class _Event(msgspec.Struct):
    """An event, or what Stripe's second API sends instead: one that only names what it is about.

    https://docs.stripe.com/event-destinations#thin-payload
    """

    id: str
    type: str
    livemode: bool
    data: _Data = msgspec.field(default_factory=_Data)
    related_object: _Subject | None = None


_PAYMENT: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "processing": GatewayStatus.PENDING,
    "requires_action": GatewayStatus.REQUIRES_ACTION,
    "requires_confirmation": GatewayStatus.PENDING,
    "requires_capture": GatewayStatus.PENDING,
    # Confirmation was tried and did not go through: the payer would have to name another method.
    "requires_payment_method": GatewayStatus.FAILED,
    "canceled": GatewayStatus.FAILED,
}
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
    """See the module. `base_address` is Stripe's own, or a local test server's.

    `payments_at`: under which address, followed by our payment's id, a payer comes back from the bank's page. Without
    one no payer is sent anywhere: a payment that has to be confirmed then waits for its deadline.
    """

    name: Final = NAME

    def __init__(
        self,
        api_key: str,
        webhook_secret: str,
        *,
        base_address: str = ADDRESS,
        payments_at: str | None = None,
    ) -> None:
        if not webhook_secret:
            # With an empty secret anybody could sign a notice.
            msg = "the webhook secret must not be empty"
            raise ValueError(msg)
        self._secret = webhook_secret
        self._payments_at = payments_at
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
        self.balance: Final = StripeBalance(client.v1, _call)
        self.accounts: Final = StripeAccounts(client.v1, _call)

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Create and confirm a PaymentIntent.

        With an address to come back to, Stripe answers a payment that its payer has to confirm by the address of the
        bank's page (`redirect_to_url`), else by what only its own script could use: https://docs.stripe.com/payments/3d-secure
        """
        redirects: dict[str, Any] = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        if self._payments_at is not None:
            redirects = {
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "always"},
                "return_url": f"{self._payments_at}/{request.metadata['payment_id']}",
            }
        params: dict[str, Any] = {
            "amount": to_stripe(request.amount),
            "currency": request.amount.currency.lower(),
            "payment_method": request.method_token,
            "confirm": True,
            "description": request.description,
            **redirects,
            "metadata": {**request.metadata, ATTEMPT: request.key},
        }
        create: Any = self._api.payment_intents.create
        return _payment(_call(lambda: create(params=params, options={"idempotency_key": request.key})))

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else by our key in its metadata. Stripe's search lags; what it misses is replayed by its key.

        One that waits for another method is cancelled: its payer has its secret, and could pay what we call failed.
        """
        intent: Any = None
        if reference is not None:
            retrieve: Any = self._api.payment_intents.retrieve
            intent = _call(lambda: retrieve(reference))
        else:
            query = f"metadata['{ATTEMPT}']:'{request.key}'"
            found = _call(lambda: self._api.payment_intents.search(params={"query": query, "limit": 1}))
            intent = found.data[0] if found.data else None
        if intent is None:
            return None
        return self.cancel(intent.id) if intent.status == "requires_payment_method" else _payment(intent)

    def cancel(self, reference: str) -> GatewayAnswer:
        """Cancel the PaymentIntent; one that can no longer be cancelled answers how it stands."""
        cancel: Any = self._api.payment_intents.cancel
        retrieve: Any = self._api.payment_intents.retrieve
        try:
            return _payment(_call(lambda: cancel(reference)))
        except GatewayRefused:
            return _payment(_call(lambda: retrieve(reference)))

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
        params: dict[str, Any] = {
            "amount": to_stripe(request.amount),
            "currency": request.amount.currency.lower(),
            "destination": request.destination,
            "description": request.description,
            # By it a transfer is found: its metadata cannot be asked for.
            "transfer_group": request.key,
            "metadata": {**request.metadata, ATTEMPT: request.key},
        }
        create: Any = self._api.transfers.create
        return _transfer(_call(lambda: create(params=params, options={"idempotency_key": request.key})))

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """By its id, else by our key."""
        retrieve: Any = self._api.transfers.retrieve
        if reference is not None:
            return _transfer(_call(lambda: retrieve(reference)))
        found = _call(lambda: self._api.transfers.list(params={"transfer_group": request.key, "limit": 1}))
        return _transfer(found.data[0]) if found.data else None

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """Verify Stripe's signature (tolerance 300 s, Stripe's own default) and the mode of the event."""
        signature = {name.lower(): value for name, value in headers.items()}.get("stripe-signature")
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._secret, stripe.Webhook.DEFAULT_TOLERANCE)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise GatewayRefused("signature_invalid") from error
        try:
            event = msgspec.json.decode(body, type=_Event)
        except (msgspec.DecodeError, RecursionError) as error:
            raise GatewayRefused("event_unreadable") from error
        if event.livemode != self._live:
            raise GatewayRefused("mode_differs")
        subject = event.data.object
        status = str(subject.status or "")
        return GatewayWebhook(
            event.id,
            event.type,
            subject.id or (event.related_object or subject).id,
            {"metadata": subject.metadata or {}, "type": event.type},
            subject=subject.object if subject.object in {"refund", "dispute", "account"} else "",
            says=_SAID.get(subject.object, {}).get(status),
            needs_person=subject.object == "dispute" and status.startswith("warning_"),
        )

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


def _call(work: Callable[[], T]) -> T:
    """Sort the SDK's errors into what the caller may conclude from them."""
    try:
        return work()
    except stripe.CardError as error:
        raise GatewayRefused(_code(error, "card_declined")) from error
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        # Turned away at the door: not executed. Wrong credentials are mended by the operator, not by the buyer.
        raise NotReached from error
    except stripe.IdempotencyError as error:
        raise GatewayRefused("idempotency_key_reused") from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(_code(error, "invalid_request")) from error
    except (stripe.APIConnectionError, stripe.APIError) as error:
        # Also 409: the first request with this key is still running there.
        raise OutcomeUnknown from error


def _code(error: stripe.StripeError, otherwise: str) -> str:
    body = error.json_body
    details = body.get("error") if isinstance(body, Mapping) else None
    details = details if isinstance(details, Mapping) else {}
    return str(details.get("decline_code") or details.get("code") or otherwise)


def _payment(intent: Any) -> GatewayAnswer:
    status = _PAYMENT.get(intent.status, GatewayStatus.PENDING)
    trouble = _plain(getattr(intent, "last_payment_error", None))
    action = _plain(getattr(intent, "next_action", None)) if status is GatewayStatus.REQUIRES_ACTION else {}
    code = trouble.get("decline_code") or trouble.get("code") or intent.status
    return GatewayAnswer(
        status=status,
        reference=intent.id,
        amount=from_stripe(int(intent.amount), intent.currency),
        error_code=str(code) if status is GatewayStatus.FAILED else None,
        next_action=_next_action(action, str(intent.client_secret))
        if status is GatewayStatus.REQUIRES_ACTION
        else None,
    )


def _next_action(action: Mapping[str, Any], client_secret: str) -> dict[str, str]:
    """What the payer has to do: go to an address, or what only Stripe's own script can show."""
    address = str((action.get("redirect_to_url") or {}).get("url") or "")
    if address:
        return {"kind": "redirect", "url": address}
    return {"kind": str(action.get("type", "")), "client_secret": client_secret}


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


def _transfer(transfer: Any) -> GatewayAnswer:
    status = GatewayStatus.FAILED if transfer.reversed else GatewayStatus.SUCCEEDED
    amount = from_stripe(int(transfer.amount), transfer.currency)
    returned = from_stripe(int(getattr(transfer, "amount_reversed", 0) or 0), transfer.currency)
    if transfer.reversed:
        return GatewayAnswer(status, transfer.id, amount, "reversed")
    return GatewayAnswer(status, transfer.id, amount, returned_minor=returned.amount_minor)


def _ours(objects: Iterable[Any], key: str) -> Any | None:
    return next((found for found in objects if _plain(found.metadata).get(ATTEMPT) == key), None)


def _plain(value: Any) -> dict[str, Any]:
    """A Stripe object's fields as a dictionary; the SDK's objects are no mappings any more."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    fields: dict[str, Any] = value.to_dict()
    return fields
