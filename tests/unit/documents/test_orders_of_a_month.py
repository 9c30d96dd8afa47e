"""A consolidated invoice names each order once above its lines; any other names none there."""

from __future__ import annotations

from datetime import date

from billing.documents.html import invoice_html
from billing.documents.ubl import to_ubl
from billing.invoices.consolidated import last_day_of
from tests.sample_documents import euro_invoice, orders_of_a_month, seats_line


def test_lines_stand_under_their_order() -> None:
    document = euro_invoice(*orders_of_a_month(), order_ref="", purchase_order="")
    html = invoice_html(document).html
    first, second = (html.index(number) for number in ("20261102-7D6F12AA01", "20261109-7D6F12AA02"))
    assert first < html.index("E-book") < second
    assert html.count('<tr class="group">') == 2
    assert "Cost centre R&amp;D &lt;1&gt;" in html
    assert to_ubl(document).count(b"20261102-7D6F12AA01") == 2, "each line says whose it is"


def test_others_have_no_such_heading() -> None:
    assert '<tr class="group">' not in invoice_html(euro_invoice(seats_line())).html


def test_a_month_ends_on_its_last_day() -> None:
    months = [date(2027, 12, 1), date(2027, 2, 1), date(2028, 2, 1), date(2027, 4, 1)]
    assert [last_day_of(one).day for one in months] == [31, 28, 29, 30]
