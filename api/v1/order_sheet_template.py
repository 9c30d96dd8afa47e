"""The workbook that an order sheet is filled in from: what a buyer may order, at its own prices and in its own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Final

import xlsxwriter

from api.language import Language
from kernel.money import Money
from orders.order_sheets.orderable import OrderablePlan

HEADERS: Final = {
    "zh-CN": (
        "编号",
        "卖方",
        "商品",
        "规格",
        "单价",
        "目录单价",
        "币种",
        "起订量",
        "递增量",
        "数量",
        "备注",
        "终端客户",
    ),
    "en": (
        *("Code", "Seller", "Product", "Plan", "Unit price", "List unit price", "Currency"),
        *("From", "Step", "Quantity", "Note", "End customer"),
    ),
}
"""`orders.order_sheets.parse_sheet` knows code, step, quantity, note and end customer in both languages."""
_WIDTHS: Final = (30, 20, 28, 20, 12, 14, 9, 9, 9, 10, 30, 24)


def template_workbook(plans: Sequence[OrderablePlan], language: Language) -> bytes:
    """As XLSX. What comes from other people is text, never a formula. A line whose quantity stays empty orders nothing."""
    file = BytesIO()
    chinese = language.startswith("zh")
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("order")
        head = book.add_format({"bold": True})
        for column, (name, width) in enumerate(zip(HEADERS["zh-CN" if chinese else "en"], _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, head)
        sheet.freeze_panes(1, 1)
        for at, one in enumerate(plans, 1):
            names = (one.title, one.plan_name) if chinese else (one.title_en, one.plan_name_en)
            for column, text in enumerate((one.code, one.seller_name, *names)):
                sheet.write_string(at, column, text)
            for column, minor in ((4, one.unit_price_minor), (5, one.list_unit_price_minor)):
                sheet.write_number(at, column, _major(minor, one.currency))
            sheet.write_string(at, 6, one.currency)
            sheet.write_number(at, 7, one.ordered.least)
            sheet.write_number(at, 8, one.ordered.step)
    return file.getvalue()


def _major(minor: int, currency: str) -> Decimal:
    return Money(minor, currency).decimal()
