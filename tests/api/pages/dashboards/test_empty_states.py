"""What a menu leads to while nothing is there yet: it says so, and leads on to where one may go."""

from __future__ import annotations

import re

import pytest

from marketplace.access.permissions import ROLES
from tests.api.pages.dashboards.conftest import Dashboards, Visitor
from tests.api.pages.dashboards.test_menus import FIRST_PAGE, LINK, MENUS

EMPTY = re.compile(r'<div class="empty">.*?</div>', re.DOTALL)
MAIN = re.compile(r"<main\b.*?</main>", re.DOTALL)


def dead_ends(visitor: Visitor, start: str = FIRST_PAGE) -> dict[str, str]:
    """Pages of the menu with an empty list and no way on in them, or one to a page that does not open."""
    found: dict[str, str] = {}
    opened: dict[str, int] = {}
    menu = {link for part in MENUS.findall(visitor.get(start).text) for link in LINK.findall(part)}
    assert len(menu) > 1
    for path in sorted(menu):
        shown = MAIN.search(visitor.get(path).text)
        main = shown.group() if shown else ""
        for empty in EMPTY.findall(main):
            if not LINK.search(main) and "<form" not in main:
                found[path] = empty
            for link in LINK.findall(empty):
                opened.setdefault(link, visitor.get(link).status_code)
                if opened[link] != 200:
                    found[path] = f"{link} answers {opened[link]}"
    return found


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("sells", [False, True])
def test_an_empty_list_leads_on(dashboards: Dashboards, role: str, *, sells: bool) -> None:
    org, _ = dashboards.new_organization(seller=sells)
    assert dead_ends(dashboards.somebody(org, role)) == {}


def test_an_empty_queue_of_the_operator_leads_on(dashboards: Dashboards) -> None:
    assert dead_ends(dashboards.operator) == {}
