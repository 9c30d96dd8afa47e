"""The rules together, and the files of the repository that they are run over."""

import os
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.arch.rules import clock, money, sizes, structure, texts, transactions
from tests.arch.rules.source import ROOT, Finding, Rule, Source, TreeRule

RULES: tuple[Rule, ...] = (
    *transactions.RULES,
    *clock.RULES,
    *money.RULES,
    *sizes.RULES,
    *texts.RULES,
    *structure.RULES,
)
TREE_RULES: tuple[TreeRule, ...] = structure.TREE_RULES

_TEXT_ENDINGS = (
    ".cfg", ".css", ".editorconfig", ".gitattributes", ".html", ".ini", ".jinja", ".js", ".json", ".mako", ".md",
    ".py", ".sh", ".sql", ".svg", ".toml", ".txt", ".xml", ".yaml", ".yml",
)  # fmt: skip
_HIDDEN_BUT_OURS = {".ci"}
_FEWEST_WORDS = 3


def files(root: Path = ROOT) -> Iterator[Source]:
    """Every text file of the repository, in the order of its path; caches and local data lie in hidden folders."""
    for folder, names, leaves in os.walk(root):
        names[:] = sorted(
            name
            for name in names
            if (not name.startswith(".") or name in _HIDDEN_BUT_OURS) and name not in {"__pycache__", "node_modules"}
        )
        for leaf in sorted(leaves):
            path = Path(folder) / leaf
            if leaf.endswith(_TEXT_ENDINGS) or path.parent.name in _HIDDEN_BUT_OURS:
                yield Source(path.relative_to(root).as_posix(), path.read_text("utf-8"))


def findings(
    sources: list[Source], rules: tuple[Rule, ...] = RULES, tree_rules: tuple[TreeRule, ...] = TREE_RULES
) -> list[Finding]:
    """What the rules find in `sources`, then allowing comments that name no rule, give no reason or allow nothing.

    A Python file that does not parse is one finding, `parses`, and is not read further.
    """
    unread = {source.path: finding for source in sources for finding in _unparsed(source)}
    sources = [source for source in sources if source.path not in unread]
    found = list(unread.values())
    found += [finding for source in sources for rule in rules for finding in rule.check(source)]
    found += [finding for rule in tree_rules for finding in rule.check(sources)]
    known = {rule.name for rule in rules} | {rule.name for rule in tree_rules}
    return found + [finding for source in sources for finding in _bad_allows(source, known)]


def _unparsed(source: Source) -> Iterator[Finding]:
    if source.path.endswith(".py"):
        try:
            _ = source.tree, source.comments
        except (SyntaxError, tokenize.TokenError) as error:
            yield Finding(source.path, getattr(error, "lineno", 1) or 1, "parses", str(error), "Mend its syntax")


def _bad_allows(source: Source, known: set[str]) -> Iterator[Finding]:
    for line, (rule, reason) in source.allows.items():
        fix = "Write `# allow: <rule> <reason>` on the line it is for, or delete it"
        if rule not in known:
            yield Finding(source.path, line, "allow", f"there is no rule `{rule}`", fix)
        elif len(reason.split()) < _FEWEST_WORDS:
            yield Finding(source.path, line, "allow", f"`{rule}` is allowed without a reason", fix)
        elif (line, rule) not in source.used_allows:
            yield Finding(source.path, line, "allow", f"`{rule}` has nothing to allow here", fix)
