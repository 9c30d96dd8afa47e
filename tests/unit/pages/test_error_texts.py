"""Every refusal has its words in both languages, and is raised with what its words are filled in with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.problems import IN_WORDS, TEXTS, sentence, texts
from kernel import errors

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("kernel", "marketplace", "fulfillment", "billing", "orders", "api")
_KINDS = (found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.DomainError))
ERRORS = {found.__name__ for found in _KINDS} | {
    "ChecksumDiffers",
    "VersionUnsupported",
    "WrongMediaType",
}
PARAMETER = re.compile(r"\{(\w+)\}")


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Code, where, and the names of its parameters (None: given as a mapping) of every refusal made with a plain code."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in ERRORS:
                    continue
                if node.args and isinstance(node.args[0], ast.Constant):
                    names = {keyword.arg for keyword in node.keywords}
                    given = None if None in names else {str(name) for name in names}
                    yield str(node.args[0].value), f"{path.relative_to(ROOT)}:{node.lineno}", given


def test_every_refusal_has_words() -> None:
    assert {code: where for code, where, _ in raised() if code not in texts()} == {}


def test_every_refusal_brings_what_its_words_name() -> None:
    lacking = {
        where: needed - given
        for code, where, given in raised()
        if code in texts()
        and given is not None
        and not (needed := parameters(code)) <= given | {name for name, (of, _) in IN_WORDS.items() if given >= set(of)}
    }
    assert lacking == {}


@pytest.mark.parametrize(
    ("retry_after_s", "en", "zh"),
    [(59, "59 seconds", "59 秒钟"), (61, "2 minutes", "2 分钟"), (3600, "1 hour", "1 小时"), (86_400, "1 day", "1 天")],
)
def test_a_wait_is_said_in_its_largest_unit(retry_after_s: int, en: str, zh: str) -> None:
    params = {"retry_after_s": retry_after_s}
    assert sentence("leads_too_often", "en", params)["todo"] == f"Try again in {en}."
    assert sentence("leads_too_often", "zh-CN", params)["todo"] == f"请在 {zh}后再试。"


@pytest.mark.parametrize(
    ("least", "most", "en", "zh"), [(1, 1, "1", "1"), (2, 50, "from 2 to 50", "2 到 50")], ids=["one", "several"]
)
def test_the_only_quantity_is_no_range(least: int, most: int, en: str, zh: str) -> None:
    params = {"least": least, "most": most}
    assert sentence("quantity_out_of_range", "en", params)["what"] == f"The quantity must be {en}."
    assert sentence("quantity_out_of_range", "zh-CN", params)["what"] == f"数量须为 {zh}。"


def test_a_length_is_said_as_the_player_shows_it() -> None:
    assert "1:05" in sentence("placement_beyond_end", "en", {"end_ms": 70_000, "duration_ms": 65_999})["todo"]


def parameters(code: str) -> set[str]:
    return {name for words in texts()[code].values() for part in words.values() for name in PARAMETER.findall(part)}


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_code_is_worded_in_one_file_only(path: Path) -> None:
    defined = re.findall(r"^\[(\w+)\]", path.read_text("utf-8"), re.MULTILINE)
    elsewhere = {
        code
        for other in TEXTS.glob("*.toml")
        if other != path
        for code in re.findall(r"^\[(\w+)\]", other.read_text("utf-8"), re.MULTILINE)
    }
    assert set(defined) & elsewhere == set()


@pytest.mark.parametrize("code", sorted(texts()))
def test_words_are_whole_in_both_languages(code: str) -> None:
    words = texts()[code]
    assert set(words) == {"zh", "en"}
    assert all(set(part) == {"what", "safe", "todo"} and all(part.values()) for part in words.values())
    chinese, english = (set(PARAMETER.findall(" ".join(words[one].values()))) for one in ("zh", "en"))
    assert chinese == english
