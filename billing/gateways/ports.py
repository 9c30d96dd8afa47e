"""What any payment gateway must be able to do, and how it answers.

Three steps around every call: an attempt row is committed whose id is the idempotency `key`; the call is made with no
transaction open; the answer is committed. A call that ends in `OutcomeUnknown` is never repeated as a new one: the
janitor asks `find_…` with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from billing.gateways.accounts import GatewayAccounts
from billing.gateways.balance import GatewayBalance
from kernel.money import Money


class GatewayStatus(StrEnum):
    """How things stand at the gateway."""

    PENDING = "pending"
    """Accepted; the outcome comes later, by notice or when asked."""
    REQUIRES_ACTION = "requires_action"
    """The payer has to do something first (3-D Secure, confirming in an app)."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class OutcomeUnknown(Exception):
    """The call may or may not have taken effect (time-out, broken connection, a 5xx). Only asking can tell."""


class KeyReused(OutcomeUnknown):
    """The key was used before with other parameters: what it did then is not known to be what we mean. A person must look."""


class GatewayRefused(Exception):
    """The gateway did not accept the request and nothing was done; `code` says why (`invalid_method`, …)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotReached(Exception):
    """The request was certainly not executed (connection refused, 429): it may be sent again with the same key."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Take `amount` by `method_token`. `metadata` comes back in notices and in the gateway's own reports."""

    key: str
    amount: Money
    method_token: str
    description: str
    metadata: Mapping[str, str]
    payer: UUID | None = None
    """The paying organization: a gateway that keeps methods charges one only for whom it is kept."""
    payer_absent: bool = False
    """Nobody is there who could confirm it at once, as for a renewal."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Give `amount` of the payment `payment_reference` back."""

    key: str
    payment_reference: str
    amount: Money
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    """Send `amount` to a party's account. `destination` is the gateway's token of that account.

    `group`: what is sent and taken back together, the order or the statement. `paid_by`: the payment whose money it is, where
    that is one; it can then be sent before the gateway has set the payment free.
    """

    key: str
    amount: Money
    destination: str
    description: str
    metadata: Mapping[str, str]
    group: str = ""
    paid_by: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """How one operation stands as the gateway tells it. `amount` must equal ours before anything is believed."""

    status: GatewayStatus
    reference: str
    amount: Money
    error_code: str | None = None
    next_action: Mapping[str, str] | None = None
    returned_minor: int = 0
    """Of money that went out and stayed for the most part: how much of it has come back."""
    formerly: str | None = None
    """What the gateway called it before it was paid: a hosted page is one thing there, the payment made on it another."""
    kept_method: str | None = None
    """The token of the method that paid, where its payer let it be kept."""


OwnSubject = Literal["refund", "dispute"]
"""What a gateway may make by itself, without a request of ours."""


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """A refund made by hand at the gateway, or a dispute (succeeded: won, failed: lost), of the payment `payment_reference`."""

    status: GatewayStatus
    reference: str
    payment_reference: str
    amount: Money
    code: str | None = None
    due_by: datetime | None = None
    """Of a dispute: until when the bank takes evidence."""
    submitted: bool = False
    """Of a dispute: the bank has evidence, and takes no more."""
    fee: Money | None = None
    """Of a dispute: what the gateway has kept for it so far, in the currency of its balance."""


EvidencePurpose = Literal["service", "communication", "other"]
"""What a document shows: that the service was given, what the payer said about it, or anything else."""


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A document for a bank."""

    purpose: EvidencePurpose
    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """Tell the bank that decides the dispute `reference` this, once and for all. At most one file of each purpose."""

    key: str
    reference: str
    text: str
    files: tuple[EvidenceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayWebhook:
    """An incoming message, verified: something happened to `reference`. What happened is asked for, not believed."""

    event_id: str
    kind: str
    reference: str
    body: Mapping[str, object]
    subject: str = ""
    """`refund` or `dispute`, when it is about something that the gateway may have made by itself."""
    says: GatewayStatus | None = None
    """The outcome it tells of. What we know already needs no asking."""
    needs_person: bool = False
    """It tells of something that no question settles: a bank inquires before it disputes."""
    about: str = ""
    """`payment`, when it is about a payment by whatever name the gateway has for it."""
    customer: str = ""
    """When the methods that are kept for a payer have changed: what the gateway calls the payer."""


@dataclass(frozen=True, slots=True)
class GatewayMethod:
    """A payment method as the gateway keeps it. `kind` is its word (`card`, `alipay`, …); what a kind lacks is empty."""

    token: str
    kind: str
    brand: str = ""
    last_four: str = ""
    exp_month: int | None = None
    exp_year: int | None = None


class MethodKeeper(Protocol):
    """A gateway that keeps methods for its payers. Raises as `PaymentGateway`; nothing is called inside a unit of work."""

    @property
    def hosted(self) -> str:
        """The token by which a payment is made on the gateway's own page."""

    @property
    def hosted_kept(self) -> str:
        """As `hosted`, and the method is kept for later."""

    @property
    def payer_origins(self) -> tuple[str, ...]:
        """Where payers are sent: scheme, host and port, as a security policy names them."""

    def begin_setup(self, payer: UUID, key: str, currency: str, return_to: str) -> str:
        """Open a page on which a method that can pay in this currency is kept without paying; answers its address. The same key
        twice is one page.
        """

    def list_methods(self, customer: str) -> tuple[GatewayMethod, ...]:
        """What is kept for a payer now."""

    def forget_method(self, token: str) -> None:
        """Keep a method no longer. One that is not kept any more is none that could be forgotten: no error."""


class PaymentGateway(Protocol):
    """A gateway. Every method may raise OutcomeUnknown, Refused or NotReached; none is called inside a unit of work."""

    @property
    def name(self) -> str:
        """Its name in settings, rows and ledger accounts."""

    @property
    def balance(self) -> GatewayBalance | None:
        """What it says of its own books, where it keeps any that ours could be compared with."""

    @property
    def accounts(self) -> GatewayAccounts | None:
        """Accounts of parties, where it opens such."""

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Take the money; the same key twice is one operation."""

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """What became of a submitted payment. None: the gateway never got it, so it may be submitted with its key."""

    def cancel(self, reference: str) -> GatewayAnswer:
        """Withdraw a payment that has not been made; answers how it stands then, which may be `succeeded`."""

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give money back; the same key twice is one refund."""

    def find_refund(self, request: RefundRequest, reference: str | None) -> GatewayAnswer | None:
        """What became of a refund. None as in `find_payment`."""

    def pay_out(self, request: PayoutRequest) -> GatewayAnswer:
        """Send money out; the same key twice is one payout."""

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """What became of a payout. None as in `find_payment`."""

    def look_up(self, subject: OwnSubject, reference: str) -> GatewayRecord | None:
        """Something that the gateway may have made by itself, by its reference."""

    def submit_evidence(self, request: EvidenceRequest) -> GatewayRecord:
        """Send evidence to the bank; answers how the dispute stands then. The same key twice is one submission."""

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """Verify an incoming message. Raises Refused(`signature_invalid`) for one that is not the gateway's."""
