"""Departments on pages: kept, given to members, chosen at checkout, looked at by finance."""

from __future__ import annotations

import re
from typing import Any

from tests.api.pages.dashboards.conftest import Dashboards, text_of


def number_of(page: str, code: str) -> str:
    """The id of the department in a select."""
    found = re.search(rf'<option value="([0-9a-f-]{{36}})"[^>]*>\s*{code} ·', page)
    assert found, code
    return found[1]


def add(dashboards: Dashboards, code: str, name: str, **also: str) -> Any:
    return dashboards.buyer.post("/departments", code=code, name=name, **also)


def test_a_department_from_its_making_to_the_report(dashboards: Dashboards) -> None:
    buyer, order = dashboards.buyer, f"/orders/{dashboards.order_id}"
    assert add(dashboards, "mkt", "市场部", name_en="Marketing").status_code == 303
    again = add(dashboards, "mkt", "别的部门")
    assert again.status_code == 409
    assert "Another department has this code" in text_of(again)
    assert 'value="别的部门"' in again.text, "what was typed stays"
    page = buyer.get("/departments")
    assert "Marketing" in page.text
    top = number_of(page.text, "MKT")
    assert add(dashboards, "MKT-01", "品牌组", parent_id=top).status_code == 303
    itself = buyer.post(
        f"/departments/{top}",
        code="MKT",
        name="市场部",
        parent_id=number_of(buyer.get("/departments").text, "MKT-01"),
    )
    assert itself.status_code == 422
    assert "Marketing" in buyer.get("/members").text
    assert "Marketing" in buyer.get(order).text
    assert buyer.post(f"{order}/department", department_id=top).status_code == 303
    assert "MKT · Marketing" in text_of(buyer.get(order))
    spent = text_of(buyer.get("/spending"))
    assert "MKT · Marketing" in spent
    part = number_of(buyer.get("/spending").text, "MKT-01")
    assert "spent nothing" in text_of(buyer.get(f"/spending?department={part}"))
    assert f"department_id={top}" in buyer.get(f"/spending?department={top}").text
    table = buyer.get(f"/v1/spend/export?department_id={top}").content.decode("utf-8-sig")
    assert ",MKT,市场部," in table
    for act in ("archive", "restore"):
        assert buyer.post(f"/departments/{top}/{act}").status_code == 303


def test_anothers_department_is_not_there(dashboards: Dashboards) -> None:
    add(dashboards, "MKT", "市场部")
    top = number_of(dashboards.buyer.get("/departments").text, "MKT")
    _, stranger = dashboards.new_organization()
    assert "MKT" not in text_of(stranger.get("/departments"))
    for path in (f"/departments/{top}", f"/departments/{top}/archive", f"/departments/{top}/restore"):
        assert stranger.post(path, code="X", name="x").status_code == 404
    assert stranger.post(f"/orders/{dashboards.order_id}/department", department_id=top).status_code == 404
