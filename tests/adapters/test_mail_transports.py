"""Mail goes out by a real SMTP server, which may take it, refuse it, ask to come back, or say nothing; or into a folder."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kernel.ids import uuid7
from kernel.signing import TokenSigner
from marketplace.mail.compose import Composer, MailContent, texts
from marketplace.mail.folder_transport import FolderTransport, read_message, read_outbox
from marketplace.mail.ports import Refusal
from marketplace.mail.smtp_transport import SmtpServer, SmtpTransport

SITE = "https://market.example"
PARAMS: dict[str, Any] = {
    "day": "2027-01-31",
    "extra_days": "7",
    "dimension": "接口调用",
    "dimension_en": "API calls",
    "percent": "80",
    "provider": "钉钉",
    "provider_en": "DingTalk",
    "email": "buyer@firm.example",
    "inviter": "张三",
    "giver": "李四\r\nBcc: victim@example.org",
    "receiver": "王五\nCc: victim@example.org",
    "left": "3",
    "number": "7",
    "line": "number 7",
    "sender": "王五\nCc: victim@example.org",
    "owner": "王五\nCc: victim@example.org",
    "organization": "星河\r\nBcc: victim@example.org",
    "days": "14",
    "minutes": "30",
    "proof_id": str(uuid7()),
    "proof_purpose": "email_proof sign_up",
    "proof_path": "/sign-up/complete",
    "proof_until": "2026-11-28T12:00:00+00:00",
    "proof_code": "yes",
    "title": "星河\r\nBcc: victim@example.org",
    "text": "等您审批",
    "action": "去审批",
    "count": "2",
    "items": [{"title": "<b>一</b>", "text": "二", "path": "/orders"}],
    "other": "星河\r\nBcc: victim@example.org",
    "milestone": "评估报告",
    "what": "招聘专业版\r\nBcc: victim@example.org",
    "coupon": "星河\r\nBcc: victim@example.org",
    "calendar_uid": str(uuid7()),
    "calendar_sequence": "1",
    "calendar_starts_at": "2026-12-01T02:00:00+00:00",
    "calendar_ends_at": "2026-12-01T02:30:00+00:00",
    "calendar_time_zone": "Asia/Shanghai",
    "calendar_meeting_url": "https://meeting.tencent.com/dm/3kXhTq7Yw2Lp",
    "unsubscribe_person": str(uuid7()),
    "unsubscribe_group": "orders",
}


class Mailbox:
    """A server's mailbox; `says` is what it answers to the address and to the message."""

    def __init__(self, to_address: str = "250 OK", to_message: str = "250 OK") -> None:
        self.says = to_address, to_message
        self.received: list[Envelope] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: Any) -> str:  # noqa: N802
        if self.says[0].startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says[0]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.received.append(envelope)
        return self.says[1]


@contextmanager
def serving(mailbox: Mailbox) -> Iterator[SmtpServer]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield SmtpServer("smtp+plain", "127.0.0.1", port)
    finally:
        controller.stop()


def message(kind: str = "sign_up", locale: str = "zh-CN") -> EmailMessage:
    composer = Composer(TokenSigner([bytes(range(32))]), public_url=SITE, sender="no-reply@market.example")
    at = datetime(2026, 11, 28, tzinfo=UTC)
    return composer.compose(MailContent(uuid7(), "buyer@firm.example", kind, locale, at, PARAMS | {"path": "/sign-in"}))


def test_a_server_takes_it_and_it_reads_as_it_was_written() -> None:
    mailbox, sent = Mailbox(), message()
    with serving(mailbox) as server:
        assert SmtpTransport(server).hand_over(sent) is None
    [received] = mailbox.received
    assert (received.mail_from, received.rcpt_tos) == ("no-reply@market.example", ["buyer@firm.example"])
    assert isinstance(received.content, bytes)
    assert sent["Message-ID"].encode() in received.content


@pytest.mark.parametrize("says", [("550 5.1.1 no such user", "250 OK"), ("250 OK", "554 5.7.1 spam")])
def test_a_refusal_is_final_and_kept(says: tuple[str, str]) -> None:
    with serving(Mailbox(*says)) as server:
        refused = SmtpTransport(server).hand_over(message())
    assert isinstance(refused, Refusal)
    assert refused.reply[:3] in {"550", "554"}


@pytest.mark.parametrize("says", [("451 4.7.1 greylisted", "250 OK"), ("250 OK", "452 4.3.1 full")])
def test_come_back_later_is_no_refusal(says: tuple[str, str]) -> None:
    with serving(Mailbox(*says)) as server, pytest.raises(smtplib.SMTPException):
        SmtpTransport(server).hand_over(message())


def test_a_server_that_says_nothing_is_waited_for_so_long_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match="timed out"):
        SmtpTransport(SmtpServer("smtp+plain", "127.0.0.1", silent.getsockname()[1]), timeout_s=0.2).hand_over(
            message()
        )


def test_nothing_is_said_to_a_server_without_encryption() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as plain:
        encrypted = SmtpServer("smtp", plain.host, plain.port, "market", "secret")
        with pytest.raises(smtplib.SMTPNotSupportedError):
            SmtpTransport(encrypted).hand_over(message())
    assert mailbox.received == []


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("smtps://a%40b:p%3Aw@mail.example", SmtpServer("smtps", "mail.example", 465, "a@b", "p:w")),
        ("smtp://mail.example:2525", SmtpServer("smtp", "mail.example", 2525)),
    ],
)
def test_addresses_are_read(address: str, found: SmtpServer) -> None:
    assert SmtpServer.parse(address) == found


@pytest.mark.parametrize("address", ["http://mail.example", "smtp://", "smtp://mail.example/x", "mail.example"])
def test_what_is_no_server_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="SMTP"):
        SmtpServer.parse(address)


def test_a_folder_keeps_each_message_once(tmp_path: Path) -> None:
    transport, sent = FolderTransport(tmp_path / "outbox"), message()
    for _ in range(2):
        transport.hand_over(sent)
    [(message_id, kept)] = read_outbox(tmp_path / "outbox")
    assert kept["Subject"] == sent["Subject"]
    assert read_message(tmp_path / "outbox", message_id) is not None
    assert read_message(tmp_path / "outbox", "../secret") is None


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", sorted(set(texts("en")) - {"frame"}))
def test_every_mail_reads_in_both_forms_and_no_name_becomes_a_header(kind: str, locale: str) -> None:
    sent = message(kind, locale)
    plain, html = (sent.get_body((form,)) for form in ("plain", "html"))
    assert plain is not None
    assert html is not None
    for words in (plain.get_content(), html.get_content()):
        assert texts(locale)[kind]["heading"].split("{")[0] in words
    assert "{" not in plain.get_content()
    assert sent["Bcc"] is None
    assert sent["Content-Language"] == locale
    assert set(sent.keys()) <= {
        "Subject", "From", "To", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version", "Content-Type",
        "List-Unsubscribe", "List-Unsubscribe-Post",
    }  # fmt: skip
    assert "style=" in html.get_content()
    assert "<script" not in html.get_content()
    # Every mail of these has an appointment among what fills it in: no name in it becomes a line of its own.
    [entry] = [one for one in sent.iter_attachments() if one.get_content_type() == "text/calendar"]
    assert "\nBcc" not in entry.get_content()


def test_one_click_ends_mails_of_a_kind_and_a_link_says_the_same_to_people() -> None:
    """RFC 8058 §3.1: both headers, and an address over HTTPS."""
    sent = message("digest")
    address = str(sent["List-Unsubscribe"]).strip("<>")
    # On one line and in plain sight: a mail program reads no encoded words there (RFC 2369 §2).
    assert f"List-Unsubscribe: <{address}>\r\n".encode() in sent.as_bytes(policy=SMTP_POLICY)
    assert address.startswith(f"{SITE}/notifications/unsubscribe?token=")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = (sent.get_body((form,)) for form in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert address in plain.get_content()
    assert address in html.get_content()
    assert "&lt;b&gt;" in html.get_content()


def test_both_languages_say_the_same_things() -> None:
    assert {kind: set(words) for kind, words in texts("en").items()} == {
        kind: set(words) for kind, words in texts("zh-CN").items()
    }
