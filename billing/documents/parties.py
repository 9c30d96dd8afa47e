"""Who stands on a document, and for which days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from billing.documents.clean_text import clean_text
from billing.tax.decision import is_eu_vat_id
from kernel.errors import Invalid

NAME_LIMIT: Final = 300
LINE_LIMIT: Final = 400
"""As long as a billing profile takes any line of it."""


def cleaned(record: object, limits: dict[str, int]) -> None:
    """Make the named text fields of a frozen record printable, in place, while it is being constructed.

    Raises:
        Invalid: `document_text_too_long`.
    """
    for field, limit in limits.items():
        object.__setattr__(record, field, clean_text(getattr(record, field), field=field, limit=limit))


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both included, as EN 16931 BT-73 and BT-74 and every reader mean it."""

    first_on: date
    last_on: date

    def __post_init__(self) -> None:
        if self.last_on < self.first_on:
            raise Invalid("document_period_reversed", field="period")

    @classmethod
    def from_half_open(cls, start_on: date, end_on: date) -> Period:
        """The same days as the half-open period [start, end) that the books keep.

        Raises:
            Invalid: `document_period_reversed` for an empty or reversed period.
        """
        return cls(start_on, end_on - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class DocumentParty:
    """A seller, buyer or payee with every field that the law asks for, copied at issue and never looked up again.

    `tax_id` is the 18-character unified social credit code in China and the VAT identifier in the EU;
    `registration_id` an entry in a commercial register where there is one besides.
    """

    legal_name: str
    country: str
    tax_id: str = ""
    registration_id: str = ""
    address_lines: tuple[str, ...] = ()
    city: str = ""
    postcode: str = ""
    subdivision: str = ""
    """Province, state, region."""
    bank_name: str = ""
    bank_account: str = ""
    phone: str = ""
    email: str = ""

    def __post_init__(self) -> None:
        names = (
            "tax_id",
            "registration_id",
            "city",
            "postcode",
            "subdivision",
            "bank_name",
            "bank_account",
            "phone",
            "email",
        )
        cleaned(self, {"legal_name": NAME_LIMIT} | dict.fromkeys(names, LINE_LIMIT))
        lines = (clean_text(line, field="address_lines", limit=LINE_LIMIT) for line in self.address_lines)
        object.__setattr__(self, "address_lines", tuple(line for line in lines if line))
        if not self.legal_name:
            raise Invalid("document_party_needs_name", field="legal_name")
        if not re.fullmatch(r"[A-Z]{2}", self.country):
            raise Invalid("document_country_not_iso", field="country")

    @property
    def has_vat_id(self) -> bool:
        """Whether the tax id is a VAT identifier, prefixed as EN 16931 BR-CO-09 asks."""
        return is_eu_vat_id(self.country, self.tax_id)

    @property
    def address(self) -> str:
        """The postal address on one line, in the order of its country, which is shown apart."""
        if self.country == "CN":
            parts = (self.subdivision, self.city, *self.address_lines, self.postcode)
        else:
            parts = (*self.address_lines, self.postcode, self.city, self.subdivision)
        return " ".join(part for part in parts if part)


class _Addressed(Protocol):
    """What has an address on one line, and perhaps in its parts."""

    @property
    def address(self) -> str: ...
    @property
    def street(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def post_code(self) -> str: ...
    @property
    def subdivision(self) -> str: ...


def postal_fields(found: _Addressed | None) -> dict[str, Any]:
    """An address as the fields of a `DocumentParty`: its parts where they are known, else the one line as it was given."""
    if found is None:
        return {}
    if found.street or found.city or found.post_code or found.subdivision:
        return {
            "address_lines": (found.street,),
            "city": found.city,
            "postcode": found.post_code,
            "subdivision": found.subdivision,
        }
    return {"address_lines": (found.address,)}
