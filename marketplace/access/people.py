"""A person changes what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel import audit
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from marketplace.access.models import Person
from marketplace.access.register_organization import LOCALES
from marketplace.input_text import line


@dataclass(frozen=True, slots=True)
class ChangePerson:
    """The name that colleagues see, and the language of mails."""

    person_id: UUID
    name: str
    locale: str


def change_person(uow: UnitOfWork, command: ChangePerson) -> str:
    """Write both; returns the name as it is kept. The unit of work is the platform's own.

    Raises:
        NotFound: `person_not_found`. Invalid: `locale_invalid`, `text_required`, `text_too_long`.

    Locks: the person.
    """
    if command.locale not in LOCALES:
        raise Invalid("locale_invalid", field="locale")
    person = lock_row(uow.session, Person, command.person_id)
    if person is None:
        raise NotFound("person_not_found")
    person.name, person.locale = line("name", command.name, 100), command.locale
    audit.record(uow, "person.changed", subject_id=person.id)
    uow.flush()
    return person.name
