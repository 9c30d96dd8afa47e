"""The rules that hold between files find what is planted, and leave what merely looks like it."""

import pytest

from tests.arch.rules import structure
from tests.arch.rules.source import FLOORS, Finding, Source
from tests.arch.rules.tree import files, findings


def found(rule: str, **texts: str) -> list[Finding]:
    """What `rule` finds in files given by name, `__` for a slash."""
    sources = [Source(path.replace("__", "/") + ".py", text) for path, text in texts.items()]
    return [one for one in findings(sources) if one.rule == rule]


def test_folders_that_import_each_other_are_found_on_both_lines() -> None:
    circle = found(
        "no-circles",
        orders__a__one="x = 1\nfrom orders.b.two import y\n",
        orders__b__two="from orders.a import one\ny = 2\n",
    )
    assert [(one.path, one.line) for one in circle] == [("orders/a/one.py", 2), ("orders/b/two.py", 1)]


def test_a_circle_by_way_of_a_third_folder_or_inside_a_function_is_found() -> None:
    circle = found(
        "no-circles",
        api__pages__a__one="def f():\n    from api.pages.b import two\n",
        api__pages__b__two="import api.pages.c.three\n",
        api__pages__c__three="from api.pages.a.one import f\n",
    )
    assert {one.path for one in circle} == {"api/pages/a/one.py", "api/pages/b/two.py", "api/pages/c/three.py"}


def test_a_file_beside_a_folder_closes_a_circle_too() -> None:
    circle = found(
        "no-circles", orders__queries="from orders.a.one import x", orders__a__one="from orders.queries import y"
    )
    assert {one.path for one in circle} == {"orders/queries.py", "orders/a/one.py"}


def test_arrows_down_types_and_other_packages_are_no_circle() -> None:
    assert not found(
        "no-circles",
        orders__a__one="from orders.b.two import y\nfrom orders.a.models import z\nfrom kernel.money import Money\n",
        orders__a__models="from orders.b import two\n",
        orders__b__two="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from orders.a.one import x\n",
    )


def test_two_public_classes_of_one_name_are_found_in_both_files() -> None:
    double = found("one-meaning", billing__a="class Row:\n    pass", orders__b="x = 1\n\n\nclass Row:\n    pass")
    assert [(one.path, one.line) for one in double] == [("billing/a.py", 1), ("orders/b.py", 4)]


def test_private_nested_and_test_classes_may_share_a_name() -> None:
    private = "class _Row:\n    pass\n\n\nclass {}:\n    class Meta:\n        pass"
    assert not found(
        "one-meaning", billing__a=private.format("One"), orders__b=private.format("Two"), tests__c="class One: pass"
    )


@pytest.mark.parametrize(
    "text",
    [
        "from importlib import import_module\nimport_module('billing.shares')",
        "import importlib\nimportlib.import_module(f'orders.{name}')",
        "import importlib as i\nx = i.import_module(name)",
        "x = 1\n__import__('bench.run')",
    ],
)
def test_a_first_party_import_by_string_is_found(text: str) -> None:
    assert [one.line for one in found("seen-imports", app__a=text)] == [2]


def test_an_import_by_string_of_somebody_elses_module_is_left_alone() -> None:
    assert not found("seen-imports", billing__a="from importlib import import_module\nhb = import_module('uharfbuzz')")
    assert not found("seen-imports", tests__a="from importlib import import_module\nimport_module('billing.shares')")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("billing__hands", "x = 1"),
        ("api__desks__a", "x = 1"),
        ("orders__a", "def give_back(order):\n    pass"),
        ("orders__a", "told = 1"),
        ("orders__a", "def f(tidy):\n    pass"),
        ("orders__a", "class Told:\n    pass"),
        ("orders__a", "async def _hear():\n    pass"),
    ],
)
def test_a_private_word_does_not_come_back(path: str, text: str) -> None:
    assert [one.line for one in found("plain-words", **{path: text})] == [1]


def test_plain_words_are_left_alone() -> None:
    text = '"""The buyer is told; nothing is heard."""\nhandled = result = 1\ndef refund(order): ...\nclass Turnover: ...\n'
    assert not found("plain-words", orders__refunds__a=text)


def test_the_product_is_what_the_rules_read() -> None:
    read = {structure.module_of(source.path).split(".")[0] for source in files() if source.path.endswith(".py")}
    assert set(FLOORS) <= read
