"""Every job of this floor, with the ports it works through; called once by the composition of each process."""

from __future__ import annotations

from billing.invoices import jobs as invoice_jobs
from billing.invoices.render_document import Renderer
from billing.ledger import jobs as ledger_jobs
from billing.payments import jobs as payment_jobs
from billing.payments.adapters import sandbox
from billing.payments.pursue_payment import Gateways
from billing.shares import release
from billing.statements import jobs as statement_jobs
from kernel.storage import Storage


def register(gateways: Gateways, storage: Storage, renderer: Renderer, *, public_url: str) -> None:
    """Register the jobs of payments, refunds, payouts, shares, ledger, statements and documents."""
    payment_jobs.register(gateways)
    sandbox.register()
    release.register()
    ledger_jobs.register()
    statement_jobs.register()
    invoice_jobs.register(storage, renderer, public_url)
