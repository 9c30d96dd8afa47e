"""Every job of this floor, with the ports it works through; called once by the composition of each process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from billing.bank import remind_payers
from billing.connected_accounts import ask_account
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.submit_evidence import SUBMIT_EVIDENCE, SendEvidence
from billing.documents.fapiao import FapiaoDocument
from billing.documents.model import InvoiceDocument
from billing.fapiao import jobs as fapiao_jobs
from billing.fapiao.ports import FapiaoIssuer
from billing.gateway_balances import read_balance
from billing.gateways import janitor, sandbox
from billing.gateways.call import GatewayCall, Gateways, check_kind
from billing.gateways.ports import OwnSubject
from billing.gateways.webhooks import PROCESS, Believe, ProcessWebhook
from billing.invoices import jobs as invoice_jobs
from billing.ledger import heads, seal
from billing.on_account import dun_payers
from billing.payment_methods import keep
from billing.payments.submit_payment import PaymentOperation
from billing.payouts import reverse_transfer
from billing.payouts import schedule as payout_schedule
from billing.payouts.submit_payout import PayoutOperation
from billing.reconciliation import jobs as reconciliation_jobs
from billing.refunds.apply_external import apply_external
from billing.refunds.submit_refund import RefundOperation
from billing.settlement import jobs as statement_jobs
from billing.shares import release
from kernel.jobs.kinds import call
from kernel.storage import Storage


class DocumentRenderer(Protocol):
    """Draws invoices and tax invoices alike: a `Renderer` and a `FapiaoRenderer`."""

    def render(self, document: InvoiceDocument | FapiaoDocument, timeout_s: float) -> bytes:
        """The file. Raises Unavailable when it cannot be drawn now."""


OPERATIONS = (RefundOperation(), PayoutOperation(), PaymentOperation())
"""What gateways decide about. A refund names its payment, too, so that refunds are looked for first."""

MADE_BY_THEMSELVES: Mapping[OwnSubject, Believe] = {"refund": apply_external, "dispute": apply_gateway_record}
"""What gateways make without a request of ours."""


def register(
    gateways: Gateways,
    storage: Storage,
    renderer: DocumentRenderer,
    *,
    public_url: str,
    fapiao_issuer: FapiaoIssuer | None = None,
    kept: heads.HeadsFile | None = None,
    mailbox: heads.HeadsMailbox | None = None,
) -> None:
    """Register the jobs of payments, refunds, payouts, shares, ledger, statements and documents.

    `fapiao_issuer`: who numbers Chinese tax invoices, if anybody does.
    `kept`, `mailbox`: where the heads of the ledger's chain are kept, and who is mailed them.
    """
    for operation in OPERATIONS:
        for kind in (operation.kind, check_kind(operation)):
            call(kind)(GatewayCall(gateways, operation))
    call(SUBMIT_EVIDENCE)(SendEvidence(gateways, storage))
    asks = {"account": ask_account.ask_by_reference}
    call(PROCESS)(ProcessWebhook(gateways, OPERATIONS, MADE_BY_THEMSELVES, keep.read_of_customer, asks))
    keep.register(gateways)
    janitor.register(OPERATIONS)
    sandbox.register()
    read_balance.register(gateways)
    ask_account.register(gateways)
    remind_payers.register()
    dun_payers.register()
    release.register()
    seal.register(mailbox.tell if mailbox is not None else None)
    heads.register(kept)
    statement_jobs.register()
    payout_schedule.register()
    reverse_transfer.register(gateways)
    reconciliation_jobs.register()
    invoice_jobs.register(storage, renderer, public_url)
    fapiao_jobs.register(fapiao_issuer, storage, renderer)
