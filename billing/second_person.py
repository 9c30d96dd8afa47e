"""Above an amount money leaves only when a second person agrees: for payouts by bank and for returned transfers alike."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.money import exponent


def limit_minor(whole_units: int, currency: str) -> int:
    """The limit of the settings, which is in whole units of any currency, in minor units of this one."""
    return int(whole_units * 10 ** exponent(currency))


def agreeing_person(
    uow: UnitOfWork, minor: int, *, above_minor: int, involved: Collection[UUID | None], refusal: str
) -> UUID:
    """Who agrees: the acting person, who above the limit is none of those who had a hand in it.

    Raises: Forbidden `person_required` for keys. Conflict with the code `refusal`.
    """
    person_id = uow.principal.person()
    if minor > above_minor and person_id in involved:
        raise Conflict(refusal)
    return person_id
