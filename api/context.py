"""What a request needs: made once by the composition in `app/`, handed to every handler by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from billing.payments.ports import PaymentGateway
from kernel.db.uow import Database
from kernel.secrets import SecretBox
from kernel.settings import Settings
from kernel.storage import ObjectStore


@dataclass(frozen=True)
class Services:
    """The ports behind the edge. `signing_key` signs links this service hands out and later reads again."""

    db: Database
    settings: Settings
    storage: ObjectStore
    secrets: SecretBox
    signing_key: bytes
    gateways: Mapping[str, PaymentGateway]

    @property
    def sandbox(self) -> bool:
        """Whether no real money moves here; every page and document says so."""
        return self.settings.market_mode == "sandbox"
