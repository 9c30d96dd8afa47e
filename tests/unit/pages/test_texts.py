"""The words of the pages: both languages complete, nothing used that is not there, nothing there that is not used."""

import re
from typing import get_args

import pytest

from api.language import LANGUAGES, Language, best_language
from api.pages.frame import navigation
from api.pages.frame.prices import Per
from api.pages.frame.rendering import TEMPLATES
from api.pages.frame.status_colors import TONES
from api.pages.frame.timeline import LinkKind, LinkState
from api.pages.frame.translations import flatten, translations
from marketplace.publishing.edit_placements import ACTIONS

STATIC = TEMPLATES / "frame" / "static"
#: t("key") and tn("key"); a key that ends in a dot is completed by a value.
USED = re.compile(r"\b(tn?)\(\s*\"([a-z0-9_.]+)\"")
#: t(f"prefix.{value}"), in a handler.
COMPLETED = re.compile(r"\bt\(\s*f\"([a-z0-9_.]+\.)\{")
EMPTY = re.compile(r"\bempty\(\"[a-z]+\", \"([a-z0-9_.]+)\"(, at\.)?")
IN_SCRIPT = re.compile(r"\btext\(\s*[\"`]([a-z0-9_.]+)")
PARAMETER = re.compile(r"\{(\w+)\}")


def used_keys() -> dict[str, str]:
    """Every key named in a template, with how it is asked for."""
    found: dict[str, str] = {}
    for path in TEMPLATES.rglob("*.html"):
        source = path.read_text("utf-8")
        found.update({key: how for how, key in USED.findall(source)})
        for key, act in EMPTY.findall(source):
            found[f"{key}.text"] = "t"
            if act:
                found[f"{key}.act"] = "t"
    for path in TEMPLATES.rglob("*.py"):
        source = path.read_text("utf-8")
        found.update({key: how for how, key in USED.findall(source)})
        found.update(dict.fromkeys(COMPLETED.findall(source), "t"))
    return found


def has(texts: dict[str, str], key: str, how: str) -> bool:
    """Whether a key, a plural key or a prefix is defined."""
    if key.endswith("."):
        return any(one.startswith(key) for one in texts)
    return f"{key}.other" in texts if how == "tn" else key in texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_used_is_defined(language: Language) -> None:
    texts = dict(translations(language).texts)
    missing = [key for key, how in used_keys().items() if not has(texts, key, how)]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_use_only_defined_keys(language: Language) -> None:
    texts = dict(translations(language).texts)
    used = {key for path in STATIC.glob("*.js") for key in IN_SCRIPT.findall(path.read_text("utf-8"))}
    assert used
    assert [key for key in used if not has(texts, f"js.{key}", "t")] == []


def test_languages_have_the_same_keys() -> None:
    chinese, english = (
        {key.removesuffix(".one").removesuffix(".other") for key in translations(one).texts} for one in LANGUAGES
    )
    assert chinese ^ english == set()


def test_languages_fill_in_the_same_parameters() -> None:
    chinese, english = (translations(one).texts for one in LANGUAGES)
    differing = [key for key in chinese if set(PARAMETER.findall(chinese[key])) != set(PARAMETER.findall(english[key]))]
    assert differing == []


def test_no_key_lies_unused() -> None:
    used = used_keys()
    prefixes = (*tuple(key for key in used if key.endswith(".")), "word.", "js.", "list.", "nav.", "notice.")
    unused = [
        key
        for key in translations("zh-CN").texts
        if not key.startswith(prefixes)
        and key.removesuffix(".other").removesuffix(".one") not in used
        and key not in used
    ]
    assert unused == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_known_value_has_a_word(language: Language) -> None:
    texts = translations(language).texts
    expected = [f"word.{kind}.{state}" for kind, states in TONES.items() for state in states]
    expected += [f"word.cta.{one}" for one in ACTIONS]
    expected += [f"per.{one}" for one in get_args(Per)]
    expected += [f"loop.{one}" for one in get_args(LinkKind)]
    expected += [f"word.link.{one}" for one in get_args(LinkState)]
    expected += [f"nav.{item.key}" for item in navigation.ITEMS]
    expected += [f"nav.group.{item.group}" for item in navigation.ITEMS]
    assert [key for key in expected if key not in texts] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_shouts(language: Language) -> None:
    assert [text for text in translations(language).texts.values() if "!" in text or "！" in text] == []


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        translations("en").text("no.such.key")


def test_an_unknown_state_shows_as_it_is() -> None:
    assert translations("en").word("order", "some_new_state") == "some new state"


def test_counts_follow_the_language() -> None:
    assert translations("en").count("run.attempts", 1) == "1 attempt"
    assert translations("en").count("run.attempts", 2) == "2 attempts"
    assert translations("zh-CN").count("run.attempts", 1) == "1 次尝试"


def test_flatten_refuses_what_is_not_text() -> None:
    with pytest.raises(TypeError):
        flatten({"a": {"b": 3}})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("de-DE,de;q=0.9,en;q=0.3", "en"),
        ("fr", "zh-CN"),
        ("", "zh-CN"),
        ("en;q=nonsense,zh;q=0.1", "zh-CN"),
    ],
)
def test_language_is_taken_from_the_header(header: str, language: Language) -> None:
    assert best_language(header) == language


def test_text_files_stay_small() -> None:
    files = list(TEMPLATES.glob("*/texts/*/*.toml"))
    assert files
    assert all(len(path.read_text("utf-8").splitlines()) <= 400 for path in files)
