"""The rules of the house, run over this repository."""

import pytest

from tests.arch.rules.source import Finding
from tests.arch.rules.tree import RULES, TREE_RULES, files, findings

FOUND = findings(list(files()))


def told(found: list[Finding]) -> str:
    return "\n" + "\n".join(map(str, found))


@pytest.mark.parametrize(
    "name", [*(rule.name for rule in RULES), *(rule.name for rule in TREE_RULES), "allow", "parses"]
)
def test_the_tree_keeps(name: str) -> None:
    found = [finding for finding in FOUND if finding.rule == name]
    assert not found, told(found)


def test_the_whole_tree_was_read() -> None:
    read = {source.path for source in files()}
    assert {"pyproject.toml", ".ci/run", "kernel/__init__.py", "tests/arch/test_rules_hold.py"} <= read
