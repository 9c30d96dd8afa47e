"""The rules of the house, run over this repository."""

import pytest

from tests.arch.rules.source import Finding, Source
from tests.arch.rules.tree import RULES, TREE_RULES, files, findings


@pytest.fixture(scope="module")
def tree() -> list[Source]:
    """The repository's files, read by the process that runs these tests and by no other."""
    return list(files())


@pytest.fixture(scope="module")
def found(tree: list[Source]) -> list[Finding]:
    return findings(tree)


@pytest.mark.parametrize(
    "name", [*(rule.name for rule in RULES), *(rule.name for rule in TREE_RULES), "allow", "parses"]
)
def test_the_tree_keeps(name: str, found: list[Finding]) -> None:
    of_this_rule = [finding for finding in found if finding.rule == name]
    assert not of_this_rule, "\n" + "\n".join(map(str, of_this_rule))


def test_the_whole_tree_was_read(tree: list[Source]) -> None:
    read = {source.path for source in tree}
    assert {"pyproject.toml", ".ci/run", "kernel/__init__.py", "tests/arch/test_rules_hold.py"} <= read
