"""What order sheets look like on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from pydantic import ConfigDict, Field

from api.language import Language
from api.problems import sentence
from api.schema import MoneyOut, Out, StrictInt, Wire
from api.v1.quotes import QuoteOut
from kernel.money import Money
from orders.order_sheets.check_rows import CheckedRow
from orders.order_sheets.orderable import OrderablePlan
from orders.order_sheets.queries import SheetItem, SheetOrder, SheetView
from orders.order_sheets.sheet_rows import MOST_CELL, MOST_ROWS, RowChange, RowFault

MOST_PASTED = 500_000
Cell = Annotated[str, Field(max_length=MOST_CELL)]


class OrderSheetIn(Wire):
    """Lines as they were pasted: code, quantity and a note, separated by tabs, commas, semicolons or blanks."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Q4", "text": "customer-desk/team\t20\tBranch in Wuhan\n"}]}
    )

    name: Annotated[str, Field(max_length=120)] = ""
    text: Annotated[str, Field(min_length=1, max_length=MOST_PASTED)]


class OrderLineIn(Wire):
    """Other words for the line of this number; what is left away or null stays."""

    number: Annotated[StrictInt, Field(ge=1)]
    code: Cell | None = None
    quantity: Cell | None = None
    note: Cell | None = None
    end_customer: Cell | None = Field(
        default=None, description="Name of the end customer that it is ordered for; empty: for your own organization"
    )
    left_out: bool | None = Field(
        default=None, description="Whether it is left out by choice: then nothing of it is ordered"
    )


class OrderLinesIn(Wire):
    """Lines to correct or to leave out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"number": 17, "quantity": "25"}, {"number": 40, "left_out": True}]}]
        }
    )

    lines: Annotated[list[OrderLineIn], Field(min_length=1, max_length=MOST_ROWS)]

    def changes(self) -> list[RowChange]:
        """As the command takes them."""
        return [RowChange(**one.model_dump()) for one in self.lines]


class QuoteSheetIn(Wire):
    """Whom the invoice will name, which decides the tax. Default: the default profile."""

    billing_profile_id: UUID | None = None


class PlaceSheetIn(Wire):
    """How what the sheet orders is invoiced and paid, as of a purchase."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "billing_profile_id": "019aa5f0-5c00-7000-8000-000000000004",
                    "gateway": "on_account",
                    "payment_method": "terms",
                    "po_number": "PO-2026-118",
                }
            ]
        }
    )

    billing_profile_id: UUID
    gateway: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Default: the first of the gateways offered here"
    )
    payment_method: Annotated[str, Field(min_length=1, max_length=200)]
    po_number: Annotated[str, Field(max_length=64)] | None = None
    department_id: UUID | None = None


class OrderLineFaultOut(Out):
    """What is wrong in one column of a line. `code` is that of an error; `detail` says it, and what to do."""

    column: Annotated[str, Meta(description="`code`, `quantity`, `note` or `end_customer`")]
    code: str
    detail: str

    @classmethod
    def of(cls, fault: RowFault, language: Language) -> OrderLineFaultOut:
        """In the reader's language."""
        said = sentence(fault.code, language, dict(fault.params))
        return cls(column=fault.column, code=fault.code, detail=f"{said['what']} {said['todo']}".strip())


class OrderSheetLineOut(Out):
    """A line as it was written, and the plan that it means where that is clear."""

    number: Annotated[int, Meta(description="Of its line in the file")]
    code: str
    quantity: str
    note: str
    end_customer: Annotated[str, Meta(description="For whom it is ordered, as it was written")]
    left_out: bool
    plan_id: UUID | None
    title: str | None
    title_en: str | None
    plan_name: str | None
    plan_name_en: str | None
    faults: tuple[OrderLineFaultOut, ...]

    @classmethod
    def of(cls, one: CheckedRow, language: Language) -> OrderSheetLineOut:
        """From the query's row."""
        plan, row = one.plan, one.row
        known = UUID(row.plan_id) if row.plan_id else None
        return cls(
            number=row.number,
            code=row.code,
            quantity=row.quantity,
            note=row.note,
            end_customer=row.end_customer,
            left_out=row.left_out,
            plan_id=plan.plan_id if plan else known,
            title=plan.title if plan else None,
            title_en=plan.title_en if plan else None,
            plan_name=plan.plan_name if plan else None,
            plan_name_en=plan.plan_name_en if plan else None,
            faults=tuple(OrderLineFaultOut.of(fault, language) for fault in one.faults),
        )


class OrderSheetItemOut(Out):
    """A sheet in a list."""

    id: UUID
    name: str
    state: Annotated[str, Meta(description="`draft`, `ordered` or `discarded`")]
    lines: int
    wrong: Annotated[int, Meta(description="Lines that were wrong when it was last changed or priced")]
    created_at: datetime
    ended_at: datetime | None


class SheetOrderOut(Out):
    """An order that a sheet was ordered by."""

    id: UUID
    number: str
    purchase_id: UUID
    seller_name: str
    state: str
    gross: MoneyOut

    @classmethod
    def of(cls, one: SheetOrder) -> SheetOrderOut:
        """From the query's row."""
        return cls.of_row(one, gross=MoneyOut.of_money(Money(one.gross_minor, one.currency)))


class OrderSheetOut(Out):
    """A sheet with all its lines. While any is wrong and not left out, nothing of it can be priced or ordered."""

    id: UUID
    name: str
    state: str
    wrong: int
    left_out: int
    created_at: datetime
    ended_at: datetime | None
    lines: tuple[OrderSheetLineOut, ...]
    quotes: Annotated[tuple[QuoteOut, ...], Meta(description="What a draft was quoted, while that binds us")]
    purchase_ids: tuple[UUID, ...]
    orders: tuple[SheetOrderOut, ...]

    @classmethod
    def of(cls, view: SheetView, language: Language, *, only_wrong: bool = False) -> OrderSheetOut:
        """From the query's row."""
        item: SheetItem = view.item
        rows = [one for one in view.rows if one.faults] if only_wrong else view.rows
        return cls(
            id=item.id,
            name=item.name,
            state=item.state,
            wrong=item.wrong,
            left_out=view.left_out,
            created_at=item.created_at,
            ended_at=item.ended_at,
            lines=tuple(OrderSheetLineOut.of(one, language) for one in rows),
            quotes=tuple(QuoteOut.of(one, language) for one in view.quotes),
            purchase_ids=view.purchase_ids,
            orders=tuple(SheetOrderOut.of(one) for one in view.orders),
        )


class OrderablePlanOut(Out):
    """What your organization may order by a sheet, at its own price and in its own numbers."""

    code: Annotated[str, Meta(description="How a line names it")]
    plan_id: UUID
    seller_name: str
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    unit_price: MoneyOut
    list_unit_price: MoneyOut
    min_quantity: int
    quantity_step: int

    @classmethod
    def of(cls, one: OrderablePlan) -> OrderablePlanOut:
        """From the query's row."""
        return cls.of_row(
            one,
            unit_price=MoneyOut.of_money(Money(one.unit_price_minor, one.currency)),
            list_unit_price=MoneyOut.of_money(Money(one.list_unit_price_minor, one.currency)),
            min_quantity=one.ordered.least,
            quantity_step=one.ordered.step,
        )
