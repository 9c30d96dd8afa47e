"""By what documents are found, in a list or an archive: days, amounts, and what stands on them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from litestar.params import QueryParameter

FromParameter = Annotated[
    date | None, QueryParameter(name="issued_from", required=False, description="First day of issue")
]
BeforeParameter = Annotated[
    date | None, QueryParameter(name="issued_before", required=False, description="Day after the last day of issue")
]
LeastParameter = Annotated[
    int | None,
    QueryParameter(
        name="least_minor", required=False, ge=0, le=10**15, description="Least gross amount, in minor units"
    ),
]
MostParameter = Annotated[
    int | None,
    QueryParameter(
        name="most_minor", required=False, ge=0, le=10**15, description="Greatest gross amount, in minor units"
    ),
]
TaxIdParameter = Annotated[
    str | None,
    QueryParameter(name="tax_id", required=False, max_length=40, description="Tax id of the seller or the buyer"),
]
CurrencyParameter = Annotated[
    str | None,
    QueryParameter(name="currency", required=False, min_length=3, max_length=3, description="ISO 4217, e.g. CNY"),
]
PoParameter = Annotated[
    str | None,
    QueryParameter(name="po_number", required=False, max_length=80, description="The buyer's own number of the order"),
]
CostCentreParameter = Annotated[
    str | None,
    QueryParameter(name="cost_centre", required=False, max_length=80, description="Code of the buyer's department"),
]
KindParameter = Annotated[
    Literal["invoice", "credit_note", "commission_invoice"] | None,
    QueryParameter(name="kind", required=False, description="Only documents of this kind"),
]
TextParameter = Annotated[
    str | None,
    QueryParameter(
        name="q", required=False, max_length=100, description="Part of a number or of the other side's name"
    ),
]
