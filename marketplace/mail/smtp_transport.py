"""Mail by any SMTP server (RFC 5321), the submission to it encrypted unless the address says that it is not."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from marketplace.mail.ports import Refusal

TIMEOUT_S = 20
PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
"""`smtps`: TLS from the first byte (RFC 8314 §3.3). `smtp`: STARTTLS or nothing. `smtp+plain`: a server on one's own machine."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to submit."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, address: str) -> SmtpServer:
        """Read `smtps://user:password@host:port`. Raises ValueError for what is none."""
        parts = urlsplit(address)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("an SMTP server is smtps://, smtp:// or smtp+plain://user:password@host:port")
        port = parts.port or PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))


class SmtpTransport:
    """Submits each message in a connection of its own."""

    def __init__(self, server: SmtpServer, *, timeout_s: float = TIMEOUT_S) -> None:
        self._server = server
        self._timeout_s = timeout_s

    def hand_over(self, message: EmailMessage) -> Refusal | None:
        """Submit it. A refusal of the address or the message (5yz) is final.

        Raises:
            OSError, smtplib.SMTPException: not reachable, not encrypted, signed in in vain, or asked to come back (4yz).
        """
        with self._connect() as server:
            if self._server.user:
                server.login(self._server.user, self._server.password)
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as refused:
                code, reply = next(iter(refused.recipients.values()))
                return _final(code, reply, refused)
            except smtplib.SMTPDataError as refused:
                return _final(refused.smtp_code, refused.smtp_error, refused)
        return None

    def _connect(self) -> smtplib.SMTP:
        at, context = self._server, ssl.create_default_context()
        if at.scheme == "smtps":
            return smtplib.SMTP_SSL(at.host, at.port, timeout=self._timeout_s, context=context)
        server = smtplib.SMTP(at.host, at.port, timeout=self._timeout_s)
        if at.scheme == "smtp":
            try:
                server.starttls(context=context)
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server


def _final(code: int, reply: bytes | str, refused: smtplib.SMTPException) -> Refusal:
    if code < 500:
        raise refused
    said = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return Refusal(f"{code} {said}"[:500])
