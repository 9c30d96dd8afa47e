"""What a request needs: made once by the composition in `app/`, handed to every handler by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.answer_cache import AnswerCache
from billing.fapiao.ports import FapiaoIssuer
from billing.gateways.ports import PaymentGateway
from kernel.db.uow import Database
from kernel.jobs.runner import Runner
from kernel.name_servers import TxtResolver
from kernel.outbound import OutboundPolicy
from kernel.rate_limit import RateLimiter
from kernel.secrets import SecretBox
from kernel.settings import Settings
from kernel.signing import TokenSigner
from kernel.storage import Storage
from marketplace.robots.protocols import RobotPoster
from orders.approval_apps.ports import ApprovalProvider


@dataclass(frozen=True)
class Services:
    """The ports behind the edge. `signer` signs links this service hands out and later reads again."""

    db: Database
    settings: Settings
    storage: Storage
    secrets: SecretBox
    signer: TokenSigner
    outbound_policy: OutboundPolicy
    gateways: Mapping[str, PaymentGateway]
    robots: RobotPoster
    """Posts in organizations' group chats."""
    runner: Runner
    """Calls a gateway in the request that asks for it."""
    answers: AnswerCache = field(default_factory=AnswerCache)
    """Of this database alone, as its versions are."""
    txt_resolver: TxtResolver | None = None
    """Who knows what a domain's owner has published; None where the installation names no resolver."""
    fapiao_issuer: FapiaoIssuer | None = None
    """Who numbers Chinese tax invoices; None where nobody does."""
    approval_providers: Mapping[str, ApprovalProvider] = field(default_factory=dict)
    """Where approvals can be asked as well, by name."""
    limiter: RateLimiter = field(default_factory=RateLimiter)
    """Of this process; what it shares with the others it asks for now and then."""

    @property
    def sandbox(self) -> bool:
        """Whether no real money moves here; every page and document says so."""
        return not self.settings.is_production
