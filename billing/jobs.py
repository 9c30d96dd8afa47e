"""Every job of this floor, with the ports it works through; called once by the composition of each process."""

from __future__ import annotations

from collections.abc import Mapping

from billing.connected_accounts import ask_account
from billing.disputes.apply_gateway_record import apply_gateway_record
from billing.disputes.submit_evidence import SUBMIT_EVIDENCE, SendEvidence
from billing.gateway_balances import read_balance
from billing.gateways import janitor, sandbox
from billing.gateways.call import GatewayCall, Gateways, check_kind
from billing.gateways.ports import OwnSubject
from billing.gateways.webhooks import PROCESS, Believe, ProcessWebhook
from billing.invoices import jobs as invoice_jobs
from billing.invoices.render_document import Renderer
from billing.ledger import seal
from billing.payments.submit_payment import PaymentOperation
from billing.payouts.submit_payout import PayoutOperation
from billing.refunds.apply_external import apply_external
from billing.refunds.submit_refund import RefundOperation
from billing.settlement import jobs as statement_jobs
from billing.shares import release
from kernel.jobs.kinds import call
from kernel.storage import Storage

OPERATIONS = (RefundOperation(), PayoutOperation(), PaymentOperation())
"""What gateways decide about. A refund names its payment, too, so that refunds are looked for first."""

MADE_BY_THEMSELVES: Mapping[OwnSubject, Believe] = {"refund": apply_external, "dispute": apply_gateway_record}
"""What gateways make without a request of ours."""


def register(gateways: Gateways, storage: Storage, renderer: Renderer, *, public_url: str) -> None:
    """Register the jobs of payments, refunds, payouts, shares, ledger, statements and documents."""
    for operation in OPERATIONS:
        for kind in (operation.kind, check_kind(operation)):
            call(kind)(GatewayCall(gateways, operation))
    call(SUBMIT_EVIDENCE)(SendEvidence(gateways, storage))
    call(PROCESS)(ProcessWebhook(gateways, OPERATIONS, MADE_BY_THEMSELVES, {"account": ask_account.ask_by_reference}))
    janitor.register(OPERATIONS)
    sandbox.register()
    read_balance.register(gateways)
    ask_account.register(gateways)
    release.register()
    seal.register()
    statement_jobs.register()
    invoice_jobs.register(storage, renderer, public_url)
