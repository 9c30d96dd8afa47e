"""A menu shows only what its reader may open."""

from __future__ import annotations

import re

import pytest

from marketplace.access.permissions import ROLES
from tests.api.pages.dashboards.conftest import Client, Dashboards, Visitor

MENUS = re.compile(r"<nav\b.*?</nav>|<details class=\"menu\">.*?</details>|<div class=\"actions\">.*?</div>", re.DOTALL)
LINK = re.compile(r"href=\"(/[^\"]*)\"")
FIRST_PAGE = "/"


def refused(visitor: Visitor, start: str = FIRST_PAGE) -> dict[str, int]:
    """Every page that a menu leads this visitor to and that does not open, the menus of those pages included."""
    found: dict[str, int] = {}
    waiting, seen = [start], {start}
    while waiting:
        path = waiting.pop()
        answer = visitor.get(path)
        if answer.status_code != 200:
            found[path] = answer.status_code
            continue
        links = {link for menu in MENUS.findall(answer.text) for link in LINK.findall(menu)}
        waiting += sorted(links - seen)
        seen |= links
    assert len(seen) > 1, "no menu was found"
    return found


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_menu_entry_opens_for_every_role(dashboards: Dashboards, role: str) -> None:
    stage = dashboards.stage
    for org in (stage.seller, stage.promoter, stage.buyer):
        assert refused(dashboards.somebody(org, role)) == {}, org.email


@pytest.mark.parametrize("role", ["finance", "owner"])
def test_every_menu_entry_opens_for_the_platforms_own_people(dashboards: Dashboards, role: str) -> None:
    visitor = dashboards.of_platform(role)
    assert refused(visitor) == {}
    shown = visitor.get(FIRST_PAGE).text
    assert {"/seller/invoices", "/seller/fapiao"} <= set(LINK.findall(shown))
    assert "/seller/start" not in LINK.findall(shown)


def test_every_menu_entry_opens_for_the_operator(dashboards: Dashboards) -> None:
    assert refused(dashboards.operator) == {}
    assert refused(dashboards.operator, "/operator") == {}


@pytest.mark.parametrize(("language", "sentence"), [("zh-CN", "不是有效的编号。"), ("en", "Must be a valid id.")])
def test_a_field_is_told_in_the_readers_language(dashboards: Dashboards, language: str, sentence: str) -> None:
    client: Client = dashboards.seller.client
    answer = client.post(
        "/v1/quotes",
        json={"plan_id": "none"},
        headers={
            "Cookie": f"__Host-session={dashboards.buyer.cookie}; lang={language}",
            "X-CSRF-Token": csrf(dashboards),
        },
    )
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "plan_id", "code": "validation_failed", "message": sentence}]


def csrf(dashboards: Dashboards) -> str:
    """What the buyer's scripts send."""
    found = re.search(r'<meta name="csrf" content="([^"]+)"', dashboards.buyer.get("/orders").text)
    assert found
    return found.group(1)
