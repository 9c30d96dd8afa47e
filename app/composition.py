"""The composition root: settings become ports, and every package learns its jobs. The same in every process."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import billing.jobs
import migrations.metadata
import orders.analytics.count_sales
import orders.feed_outcomes
import orders.invoicing.documents_leg
import orders.invoicing.invoice_month
import orders.loop
import orders.notifications.notify_of_events
import orders.outgoing_events.publish_events
from api.context import Services
from app import partition_retention
from app.shared_counts import ValkeyCounts
from billing.bank import draw_transfer
from billing.bank.gateway import BankTransferGateway
from billing.documents.renderer_pool import RendererPool
from billing.fapiao.ports import FapiaoIssuer
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.gateways.ports import PaymentGateway
from billing.gateways.sandbox import SandboxGateway
from billing.ledger.heads import HeadsFile, HeadsMailbox
from billing.on_account import draw_letter
from billing.on_account.gateway import OnAccountGateway
from fulfillment import jobs as fulfillment_jobs
from fulfillment.connectors.noop import NoopConnector
from fulfillment.connectors.webhook import WebhookConnector
from fulfillment.runs.call_seller import SellerCalls
from kernel.db.uow import Database
from kernel.jobs import retention
from kernel.jobs.runner import Runner
from kernel.name_servers import TxtResolver, parse_name_servers
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.rate_limit import RateLimiter
from kernel.secrets import SecretBox
from kernel.settings import Settings
from kernel.signing import TokenSigner
from kernel.storage import open_storage
from marketplace import jobs as marketplace_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.ports import MailTransport
from marketplace.mail.smtp_transport import SmtpServer, SmtpTransport
from marketplace.robots import jobs as robot_jobs
from marketplace.robots.protocols import poster_of
from marketplace.webhooks import jobs as webhook_jobs
from orders.approval_apps import jobs as approval_app_jobs
from orders.approval_apps.access import providers_of
from orders.buyer_statements import jobs as buyer_statement_jobs
from orders.offers import draw_offer
from orders.papers import draw_paper
from orders.test_clocks import jobs as test_clock_jobs

KEY_ID = "k1"
LOOP = orders.loop
"""Imported for what it registers: who follows which event."""
MONTHS = orders.invoicing.invoice_month
"""Imported for the same: months that are invoiced as one."""
DOCUMENTS_LEG = orders.invoicing.documents_leg
"""Imported for the same: what documents are held against."""
NOTIFY = orders.notifications.notify_of_events
"""Imported for the same: what people are told of."""
PUBLISH = orders.outgoing_events.publish_events
"""Imported for the same: what other systems are told of."""
OUTCOMES = (orders.feed_outcomes, orders.analytics.count_sales)
"""Imported for the same: what the feed learns of orders."""
TABLES = migrations.metadata.metadata
"""Imported for what it maps: a foreign key needs both its tables in every process."""


def compose(
    settings: Settings,
    *,
    platform_only: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
    renderers: RendererPool | None = None,
) -> Services:
    """Build the ports of a process and register every job with them. Opens no connection yet.

    `platform_only`: the process never acts for an organization (worker, scheduler). `monotonic`: by what an endpoint that
    failed rests, seconds. `renderers`: that draw its documents, else some of its own.
    """
    if settings.database_url is None:
        raise ValueError("the engines must be resolved before the process is composed")
    master = settings.key_encryption_key()
    db = Database(settings.database_url, pool_size=settings.database_pool_size, platform_only=platform_only)
    storage = open_storage(settings.object_store_url)
    policy = OutboundPolicy(permitted=settings.allowed_outbound)
    services = Services(
        db=db,
        settings=settings,
        storage=storage,
        secrets=SecretBox({KEY_ID: _derive(master, "stored secrets")}),
        signer=TokenSigner([_derive(master, "links")]),
        outbound_policy=policy,
        gateways=gateways(settings, db),
        fapiao_issuer=fapiao_issuer(settings),
        robots=poster_of(OutboundClient(policy, monotonic=monotonic), settings),
        runner=Runner(db, f"{socket.gethostname()}:{os.getpid()}"),
        txt_resolver=txt_resolver(settings),
        approval_providers=providers_of(OutboundClient(policy, monotonic=monotonic), settings),
        limiter=RateLimiter(ValkeyCounts(settings.redis_url) if settings.redis_url is not None else None),
    )
    if settings.redis_url is not None:
        from app.job_notifier import JobNotifier, broker_for

        db.notify = JobNotifier(broker_for(settings.redis_url))
    register_jobs(services, renderers or RendererPool(), monotonic)
    return services


def gateways(settings: Settings, db: Database) -> dict[str, PaymentGateway]:
    """The gateways this installation offers, by name."""
    found: dict[str, PaymentGateway] = {}
    if "sandbox" in settings.payment_gateways:
        found["sandbox"] = SandboxGateway(db)
    if "bank_transfer" in settings.payment_gateways:
        found["bank_transfer"] = BankTransferGateway(db, plays=settings.plays_money)
        # What is owed is paid by transfer.
        found["on_account"] = OnAccountGateway(db, plays=settings.plays_money)
    if "stripe" in settings.payment_gateways and settings.stripe_api_key and settings.stripe_webhook_secret:
        # Its package takes a third of a second to load, which processes that do without it need not wait for.
        from billing.gateways.stripe import StripeGateway
        from billing.gateways.stripe_customers import CustomerBook

        found["stripe"] = StripeGateway(
            settings.stripe_api_key.get_secret_value(),
            settings.stripe_webhook_secret.get_secret_value(),
            base_address=settings.stripe_base_address,
            payments_at=f"{settings.public_url}/payments",
            customers=CustomerBook(db, "stripe"),
        )
    return found


def fapiao_issuer(settings: Settings) -> FapiaoIssuer | None:
    """Who numbers Chinese tax invoices: a sandbox, and only where no real money is taken."""
    if settings.fapiao_issuer != "none" and settings.plays_money:
        return SandboxFapiaoIssuer(settings.fapiao_limit * 100)
    return None


def txt_resolver(settings: Settings) -> TxtResolver | None:
    """By the name servers that are named; None without."""
    if not settings.dns_resolvers:
        return None
    # As above: its package is loaded where it is used.
    from kernel.outbound.txt_records import DnsTxtResolver

    return DnsTxtResolver(parse_name_servers(settings.dns_resolvers))


def heads_file(settings: Settings) -> HeadsFile | None:
    """Where the heads of the ledger's hash chain are kept outside the database; None where no file is named."""
    if not settings.ledger_heads_file:
        return None
    return HeadsFile(Path(settings.ledger_heads_file), _heads_signer(settings))


def heads_mailbox(settings: Settings) -> HeadsMailbox | None:
    """Who is mailed the heads of the ledger's hash chain; None where nobody is named."""
    if not settings.ledger_heads_email:
        return None
    return HeadsMailbox(settings.ledger_heads_email, _heads_signer(settings))


def _heads_signer(settings: Settings) -> TokenSigner:
    return TokenSigner([_derive(settings.key_encryption_key(), "ledger heads")])


def mail_transport(settings: Settings) -> MailTransport:
    """By SMTP where a server is named; a sandbox without one keeps its mail in a folder."""
    if settings.smtp_url:
        return SmtpTransport(SmtpServer.parse(settings.smtp_url))
    return FolderTransport(settings.outbox_folder)


def register_jobs(services: Services, renderers: RendererPool, monotonic: Callable[[], float] = time.monotonic) -> None:
    """Let every package register its jobs with the ports of this process."""
    settings = services.settings
    retention.register()
    composer = Composer(services.signer, public_url=settings.public_url, sender=settings.mail_sender)
    by_rule = settings.listings_reviewed_by_rule
    marketplace_jobs.register(services.storage, mail_transport(settings), composer, review_by_rule=by_rule)
    client = OutboundClient(services.outbound_policy, monotonic=monotonic)
    fulfillment_jobs.register(
        SellerCalls(
            connectors={"webhook": WebhookConnector(client), "none": NoopConnector()},
            box=services.secrets,
            signer=services.signer,
            public_url=settings.public_url,
        )
    )
    webhook_jobs.register(client, services.secrets, public_url=settings.public_url)
    robot_jobs.register(services.robots, services.secrets)
    partition_retention.register(settings.database_admin_url)
    billing.jobs.register(
        services.gateways,
        services.storage,
        renderers,
        public_url=settings.public_url,
        fapiao_issuer=services.fapiao_issuer,
        kept=heads_file(settings),
        mailbox=heads_mailbox(settings),
    )
    draw_offer.register(services.storage, renderers)
    draw_transfer.register(services.storage, renderers)
    draw_paper.register(services.storage, renderers)
    buyer_statement_jobs.register(services.signer)
    draw_letter.register(services.storage, renderers)
    approval_app_jobs.register(services.approval_providers, services.secrets, public_url=settings.public_url)
    test_clock_jobs.register(services.db)


def _derive(master: bytes, purpose: str) -> bytes:
    """A key for one purpose from the installation's key (HKDF-like: keyed BLAKE2b, 32 bytes)."""
    return hashlib.blake2b(purpose.encode(), key=master, digest_size=32).digest()
