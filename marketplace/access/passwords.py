"""A password is forgotten or changed: sessions that it opened end, and its owner is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, update

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.jobs.outbox import emit
from kernel.signing import TokenSigner, hash_password, verify_password
from marketplace.access.add_person import checked_password
from marketplace.access.email_proofs import Presented, mail_proof, take_proof
from marketplace.access.events import AccountChanged
from marketplace.access.mail_limits import count_mail
from marketplace.access.models import Person, SignInSession
from marketplace.input_text import checked_email
from marketplace.mail.queue_mail import NOBODY, NewMail, queue_mail


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """One's own password, the present one proved. `session_id` is the session that goes on."""

    person_id: UUID
    session_id: UUID
    current: str = field(repr=False)
    new: str = field(repr=False)


def request_password_reset(uow: UnitOfWork, email: str, locale: str, network_address: str | None) -> None:
    """Mail a code and a link to an address that has an account. The caller learns nothing of whether it has: the
    work is the same, and what would go to an unknown address is dropped when it is its turn. The mail is in the language that
    the account's owner reads, whatever the page's was.

    Raises:
        Invalid: `email_invalid`. TooMany: `mails_too_often`.
    """
    address = checked_email(email)
    count_mail(uow, address, network_address)
    found = uow.session.execute(select(Person.id, Person.locale).where(Person.email == address)).first()
    person_id, locale = found or (None, locale)
    unknown = NewMail(address, NOBODY, locale) if person_id is None else None
    mail_proof(uow, "reset_password", address, locale, person_id, instead=unknown)


def reset_password(
    uow: UnitOfWork, signer: TokenSigner, presented: Presented, counted_id: UUID | None, new: str
) -> None:
    """Set another password by proof of the mailbox. Every session of the person ends.

    Raises:
        Invalid: `code_invalid`, `link_invalid`, `password_too_short`, `password_too_long`.

    Locks: the proof, then the person.
    """
    proof = take_proof(uow, signer, "reset_password", presented, counted_id)
    person = None if proof.person_id is None else lock_row(uow.session, Person, proof.person_id)
    if person is None:
        raise Invalid("link_invalid")
    _set(uow, person, new, keep=None)


def change_password(uow: UnitOfWork, command: ChangePassword) -> None:
    """Set another password; every other session of the person ends. `sign_in_limits` stand before this.

    Raises:
        NotFound: `person_not_found`. Invalid: `password_wrong`, `password_too_short`, `password_too_long`.

    Locks: the person.
    """
    person = lock_row(uow.session, Person, command.person_id)
    if person is None:
        raise NotFound("person_not_found")
    if not verify_password(person.password_hash, command.current):
        raise Invalid("password_wrong", field="current_password")
    _set(uow, person, command.new, keep=command.session_id)


def _set(uow: UnitOfWork, person: Person, new: str, *, keep: UUID | None) -> None:
    person.password_hash = hash_password(checked_password(new))
    ended = update(SignInSession).where(SignInSession.person_id == person.id, SignInSession.revoked_at.is_(None))
    if keep is not None:
        ended = ended.where(SignInSession.id != keep)
    uow.session.execute(ended.values(revoked_at=clock.now()))
    audit.record(uow, "person.password_changed", subject_id=person.id)
    emit(uow, AccountChanged(person_id=person.id, change="password_changed"))
    queue_mail(
        uow,
        NewMail(
            person.email, "password_changed", person.locale, {"path": "/password", "email": person.email}, person.id
        ),
    )
    uow.flush()
