"""Somebody new comes in: their address is proved first, then they and their organization begin together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, Unauthenticated
from kernel.ids import uuid7
from kernel.signing import TokenSigner
from marketplace.access.add_person import NewPerson, add_person, find_person_id
from marketplace.access.email_proofs import Presented, mail_proof, take_proof
from marketplace.access.mail_limits import count_mail
from marketplace.access.register_organization import RegisterOrganization, register_organization
from marketplace.access.returning import find_returning, has_organization
from marketplace.input_text import checked_email
from marketplace.mail.queue_mail import NewMail


@dataclass(frozen=True, slots=True)
class RequestSignUp:
    """Who would like to come in, and from where."""

    email: str
    locale: str
    network_address: str | None = None


@dataclass(frozen=True, slots=True)
class CompleteSignUp:
    """What the newcomer says once their address is proved. The organization's `owner` is filled in here."""

    presented: Presented
    counted_id: UUID | None
    name: str
    password: str = field(repr=False)
    organization: RegisterOrganization


@dataclass(frozen=True, slots=True)
class SignedUp:
    """The new person, their organization, and the address that was proved."""

    org_id: UUID
    person_id: UUID
    email: str


def request_sign_up(uow: UnitOfWork, command: RequestSignUp) -> None:
    """Mail a code and a link, or, to an address that has an account, that it has one. The caller learns nothing of it:
    the work is the same. An account without an organization comes in as a newcomer does, by its own password.

    Raises:
        Invalid: `email_invalid`. TooMany: `mails_too_often`.
    """
    email = checked_email(command.email)
    count_mail(uow, email, command.network_address)
    person_id, known = find_person_id(uow, email), None
    may_sign_in = has_organization(uow, person_id or uuid7())
    if person_id is not None and may_sign_in:
        known = NewMail(email, "account_exists", command.locale, {"path": "/sign-in", "email": email}, person_id)
    mail_proof(uow, "sign_up", email, command.locale, instead=known)


def complete_sign_up(uow: UnitOfWork, signer: TokenSigner, command: CompleteSignUp) -> SignedUp:
    """Make the person and their organization. The unit of work is the platform's own.

    Raises:
        Invalid: `code_invalid`, `link_invalid`, `account_password_wrong`: the address has an account, without an
            organization, and another password; those of `add_person` and `register_organization`.
        Conflict: `email_taken`.
    """
    proof = take_proof(uow, signer, "sign_up", command.presented, command.counted_id)
    if not command.name.strip():
        raise Invalid("text_required", field="name")
    person_id = _person(uow, proof.email, command)
    owned = replace(command.organization, owner=person_id, email=command.organization.email or proof.email)
    made = register_organization(uow, owned)
    audit.record(uow, "person.signed_up", subject_id=person_id)
    uow.flush()
    return SignedUp(made.org_id, made.person_id, proof.email)


def _person(uow: UnitOfWork, email: str, command: CompleteSignUp) -> UUID:
    try:
        returning_id = find_returning(uow, email, command.password)
    except Unauthenticated:
        raise Invalid("account_password_wrong", field="password") from None
    if returning_id is not None:
        return returning_id
    return add_person(uow, NewPerson(email, command.name, command.password, command.organization.locale)).id
