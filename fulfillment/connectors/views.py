"""What reads of connectors return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A seller's connector, without its secrets."""

    id: UUID
    kind: str
    name: str
    url: str | None
    overlap_until: datetime | None
    """Until when the former secret signs too."""
    test: Literal["untested", "running", "passed", "failed"]
    tested_at: datetime | None
    test_failure: str | None
    created_at: datetime
    secret_tag: str | None
    """Names the present secret without telling it, for whoever asks to replace it."""


def secret_tag(sealed: str) -> str:
    """Of a sealed secret: no two are sealed alike, even in the same moment."""
    return hashlib.sha256(sealed.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TranscriptStep:
    """One call of a connector's test. `failure` None: it was answered as it has to be."""

    step: str
    """`message`, `repetition` (the same again) or `forgery` (signed with a secret that is not ours)."""
    status: int | None
    elapsed_ms: int | None
    sent: str
    answered: str
    failure: str | None
