"""What is wrong with each line of a list of dealers, and whom the others invite. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kernel.errors import Invalid
from kernel.text import plain_text
from marketplace.input_text import checked_email
from marketplace.parties.tax_ids import checked_tax_id
from marketplace.relations.dealer_rows import MOST_NAME, Column, DealerFault, DealerRow

Fault = tuple[str, dict[str, Any]]
"""An error's code and its parameters."""
Contact = tuple[str | Fault | None, str | Fault | None]
"""Tax identifier and address of a line, each as it is stored, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a seller's lines are checked against: its country and own identifier, its tiers by what they are called
    (`tier_key`), and the mail addresses and tax identifiers of its partners and of whoever is invited already.
    """

    country: str
    tax_id: str | None
    tiers: Mapping[str, UUID]
    partners: frozenset[str] = frozenset()
    invited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CheckedDealer:
    """A line in its stored form where it is right. A line that is left out is never wrong."""

    row: DealerRow
    tax_id: str | None = None
    email: str | None = None
    tier_id: UUID | None = None
    faults: tuple[DealerFault, ...] = ()


def tier_key(name: str) -> str:
    """A tier's code or name, as they are compared: full-width letters, case and spaces do not matter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def read_contacts(rows: Sequence[DealerRow], country: str) -> list[Contact]:
    """Of each line its tax identifier, by the rules of this country, and its address: in their stored form, or what is wrong."""
    return [(_of(row.tax_id, country), _address(row.email)) for row in rows]


def check_dealers(
    rows: Sequence[DealerRow], known: Known, contacts: Sequence[Contact] | None = None
) -> tuple[CheckedDealer, ...]:
    """Every line by itself, and against those before it: nobody is invited twice. `contacts`: as `read_contacts`, once read."""
    seen: dict[str, int] = {}
    read = contacts if contacts is not None else read_contacts(rows, known.country)
    return tuple(
        CheckedDealer(row) if row.left_out else _checked(row, of_row, known, seen)
        for row, of_row in zip(rows, read, strict=True)
    )


def wrong_dealers(rows: Sequence[CheckedDealer]) -> int:
    """How many lines are wrong."""
    return sum(bool(one.faults) for one in rows)


def _checked(row: DealerRow, read: Contact, known: Known, seen: dict[str, int]) -> CheckedDealer:
    faults: list[DealerFault] = []
    name = plain_text(row.name)
    if not name or len(name) > MOST_NAME:
        faults.append(DealerFault("name", "dealer_line_name", {"most": MOST_NAME}))
    tax_id, email = read
    found: dict[Column, str] = {}
    said: tuple[tuple[Column, str | Fault | None], ...] = (("tax_id", tax_id), ("email", email))
    for column, contact in said:
        if isinstance(contact, str):
            found[column] = contact
        elif contact is not None:
            faults.append(DealerFault(column, *contact))
    if not found and not faults:
        faults.append(DealerFault("tax_id", "dealer_line_contact"))
    for column, contact in found.items():
        fault = _known_already(contact, row.number, known, seen)
        if fault is not None:
            faults.append(DealerFault(column, *fault))
    tier_id = known.tiers.get(tier_key(row.tier))
    if tier_id is None:
        faults.append(DealerFault("tier", "dealer_line_tier", {"written": row.tier[:40]}))
    return CheckedDealer(row, found.get("tax_id"), found.get("email"), tier_id, tuple(faults))


def _known_already(contact: str, number: int, known: Known, seen: dict[str, int]) -> Fault | None:
    if contact == known.tax_id:
        return "dealer_line_own", {}
    if contact in known.partners:
        return "dealer_line_partner", {}
    if contact in known.invited:
        return "dealer_line_invited", {}
    first = seen.setdefault(contact, number)
    return None if first == number else ("dealer_line_twice", {"row": first})


def _of(tax_id: str, country: str) -> str | Fault | None:
    """An identifier in its stored form, by the rules of the seller's country; None where none was written."""
    if not tax_id.strip():
        return None
    try:
        return checked_tax_id(country, tax_id)
    except Invalid as wrong:
        return wrong.code, dict(wrong.params)


def _address(email: str) -> str | Fault | None:
    if not email.strip():
        return None
    try:
        return checked_email(unicodedata.normalize("NFKC", email))
    except Invalid as wrong:
        return wrong.code, dict(wrong.params)
