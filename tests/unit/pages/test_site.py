"""Redirects stay on the site; months of invoices are read as they are written."""

from datetime import date
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.frame.site import local_path
from api.v1.invoice_export import next_month, parse_month


@pytest.mark.parametrize("path", ["/", "/orders", "/buy/1?second=4&share=a", "/v/1#t=3", "/sign-in?next=%2Forders"])
def test_local_paths_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "orders",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "https://elsewhere.example/",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "/a\r\nSet-Cookie: a=b",
        "/订单",
    ],
)
def test_everything_else_leads_home(path: str) -> None:
    assert local_path(path) == "/"


@given(st.text(alphabet="/\\:.?#@ \t\r\nabc"))
def test_no_address_leaves_the_site(path: str) -> None:
    target = urljoin("https://market.example/sign-in", local_path(path))
    assert urlsplit(target)[:2] == ("https", "market.example")


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-11", date(2026, 11, 1)),
        ("2026-13", None),
        ("2026-1", None),
        ("0000-01", None),
        ("9999-12", None),
        ("11-2026", None),
    ],
)
def test_month_is_read(text: str, month: date | None) -> None:
    assert parse_month(text) == month


@pytest.mark.parametrize(
    ("month", "following"), [(date(2026, 11, 1), date(2026, 12, 1)), (date(2026, 12, 1), date(2027, 1, 1))]
)
def test_next_month(month: date, following: date) -> None:
    assert next_month(month) == following
