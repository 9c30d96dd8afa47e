"""Somebody new gets a sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.signing import MAX_PASSWORD_BYTES, hash_password
from marketplace.access.models import Person
from marketplace.input_text import checked_email, line

MIN_PASSWORD = 10
"""Characters. NIST SP 800-63B asks for length, not for rules of composition; rate limits stand in front."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is to be added."""

    email: str
    name: str
    password: str = field(repr=False)
    locale: str = "zh-CN"
    is_operator: bool = False


def add_person(uow: UnitOfWork, command: NewPerson) -> Person:
    """Create a person. `is_operator` is honoured for the platform's own work only (row level security holds it too).

    Raises:
        Invalid: `email_invalid`, `password_too_short`, `text_required`, `text_too_long`.
        Conflict: `email_taken`.
    """
    email = checked_email(command.email)
    if find_person_id(uow, email) is not None:
        raise Conflict("email_taken")
    person = Person(
        id=uuid7(),
        email=email,
        name=line("name", command.name, 100),
        password_hash=hash_password(checked_password(command.password)),
        locale=command.locale if command.locale in {"zh-CN", "en"} else "zh-CN",
        is_operator=command.is_operator and uow.principal.is_platform,
        created_at=clock.now(),
    )
    uow.session.add(person)
    uow.flush()
    return person


def checked_password(password: str) -> str:
    """The password when it is long enough and not absurd. Raises Invalid(`password_too_short`, `password_too_long`)."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("password_too_short", field="password", minimum=MIN_PASSWORD)
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise Invalid("password_too_long", field="password", limit=MAX_PASSWORD_BYTES)
    return password


def find_person_id(uow: UnitOfWork, email: str) -> UUID | None:
    """Whose address it is, whatever organization they belong to."""
    found: UUID | None = uow.session.scalar(text("SELECT marketplace.find_person(:email)"), {"email": email})
    return found
