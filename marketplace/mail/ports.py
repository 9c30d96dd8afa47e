"""How a composed mail leaves: by SMTP, or into a folder where nothing is to leave."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Refusal:
    """The receiving side will not take this mail, however often it is tried."""

    reply: str


class MailTransport(Protocol):
    """Hands a message over. Anything raised means that it may be tried again."""

    def hand_over(self, message: EmailMessage) -> Refusal | None:
        """None: taken over. A Refusal: not now and not later."""
