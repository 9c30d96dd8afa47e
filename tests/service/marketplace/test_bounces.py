"""A mail that was refused for good: its address is marked, in a word, until a mail to it is taken again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.signing import TokenSigner
from marketplace.access.invitations import Invite, invite, list_invitations
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.bounces import find_bounces, list_bounces, reason_of
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.models import BouncingAddress, Mail
from marketplace.mail.ports import Refusal
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.mail.send_mail import KEPT, SendMail, purge_old_mail
from tests.factories_marketplace import acting, make_org

GONE = Refusal("550 5.1.1 No such user here")
FULL = Refusal("552 5.2.2 Mailbox full")
REASONS = {"address_unknown", "mailbox_full", "mailbox_off", "against_policy", "mail_refused"}


@pytest.fixture
def sender(tmp_path_factory: pytest.TempPathFactory) -> SendMail:
    composer = Composer(TokenSigner([b"k" * 32]), public_url="https://market.example", sender="no-reply@market.example")
    transport = FolderTransport(tmp_path_factory.mktemp("outbox"))
    mail_jobs.register(transport, composer)
    return SendMail(transport, composer)


def new_mail(uow: UnitOfWork, email: str) -> Mail:
    command = NewMail(email, "password_changed", "en", {"path": "/password", "email": email})
    return uow.session.get_one(Mail, queue_mail(uow, command))


def conclude(uow: UnitOfWork, sender: SendMail, mail: Mail, answer: Refusal | None) -> None:
    claim = JobClaim(uuid7(), "mail", {"mail_id": str(mail.id)}, 1, 1, None)
    request = sender.prepare(uow, claim)
    assert request is not None
    sender.conclude(uow, claim, request, answer)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("550 5.1.1 <x@y.example>: Recipient address rejected: User unknown", "address_unknown"),
        ("550 5.1.10 Recipient not found", "address_unknown"),
        ("552 5.2.2 The email account that you tried to reach is over quota", "mailbox_full"),
        ("550 5.2.1 The account is disabled", "mailbox_off"),
        ("554 5.7.1 Message rejected as spam by Content Filtering", "against_policy"),
        ("550 5.7.26 This mail is unauthenticated", "against_policy"),
        ("552 5.3.4 Message size exceeds fixed limit", "mail_refused"),
        ("550 No such user", "address_unknown"),
        ("552 Quota", "mailbox_full"),
        ("554 Transaction failed", "mail_refused"),
        ("", "mail_refused"),
    ],
)
def test_what_a_server_said_in_a_word(reply: str, reason: str) -> None:
    assert reason_of(reply) == reason


@given(st.text(max_size=60) | st.from_regex(r"5\d\d 5\.\d{1,4}\.\d{1,4} x", fullmatch=True))
def test_there_is_a_word_for_whatever_it_says(reply: str) -> None:
    assert reason_of(reply) in REASONS


def test_marked_by_a_refusal_and_no_more_by_a_delivery(uow: UnitOfWork, sender: SendMail) -> None:
    email = f"{uuid7().hex}@firm.example"
    with clock.frozen(clock.now()):
        begun = clock.now()
        conclude(uow, sender, new_mail(uow, email), GONE)
        clock.advance(timedelta(hours=1))
        conclude(uow, sender, new_mail(uow, email), FULL)
        [found] = find_bounces(uow, {email, "other@firm.example"}).values()
        assert (found.reason, found.reply, found.refusals) == ("mailbox_full", FULL.reply, 2)
        assert (found.since_at, found.last_at) == (begun, clock.now())
        assert found in list_bounces(uow)
    conclude(uow, sender, new_mail(uow, email), None)
    assert find_bounces(uow, {email}) == {}


def test_an_address_is_known_however_it_is_written(uow: UnitOfWork, sender: SendMail) -> None:
    name = uuid7().hex
    conclude(uow, sender, new_mail(uow, f"{name.upper()}@Firm.example"), GONE)
    assert set(find_bounces(uow, {f"{name}@firm.example"})) == {f"{name}@firm.example"}
    assert find_bounces(uow, set()) == {}


def test_whoever_invited_sees_it_and_nobody_who_did_not(uow: UnitOfWork, sender: SendMail) -> None:
    org, other = make_org(uow), make_org(uow)
    email = f"{uuid7().hex}@firm.example"
    conclude(uow, sender, new_mail(uow, email), GONE)
    with acting(uow, org.owner):
        invite(uow, Invite(email, ["viewer"]))
        invite(uow, Invite(f"x{email}", ["viewer"]))
        shown = {row.email: row.bounced for row in list_invitations(uow)}
    assert shown == {email: "address_unknown", f"x{email}": None}
    with acting(uow, other.owner):
        assert uow.session.query(BouncingAddress).count() == 0
        assert list_invitations(uow) == []


def test_it_is_forgotten_with_the_mail(uow: UnitOfWork, sender: SendMail) -> None:
    email = f"{uuid7().hex}@firm.example"
    with clock.frozen(clock.now()):
        conclude(uow, sender, new_mail(uow, email), GONE)
        clock.advance(KEPT)
        purge_old_mail(uow)
        assert email in find_bounces(uow, {email})
        clock.advance(timedelta(seconds=1))
        purge_old_mail(uow)
        assert find_bounces(uow, {email}) == {}
