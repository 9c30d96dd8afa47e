"""The design tokens keep their contrast promise, and styles keep to the tokens."""

import re

import pytest

from api.pages.frame.assets import ROOT, STYLES

TOKENS = (ROOT / "styles" / "tokens.css").read_text("utf-8")
VALUE = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})")
INKS = ("ink", "ink-2", "ink-3", "accent", "good", "wait", "bad")
GROUNDS = ("ground", "surface")
ON_SOFT = (
    ("good", "good-soft"),
    ("wait", "wait-soft"),
    ("bad", "bad-soft"),
    ("accent", "accent-soft"),
    ("ink", "accent-soft"),
)


def themes() -> dict[str, dict[str, str]]:
    """Light and dark values of every colour."""
    light_text, dark_text = TOKENS.split("prefers-color-scheme: dark")
    light = dict(VALUE.findall(light_text))
    return {"light": light, "dark": light | dict(VALUE.findall(dark_text))}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2 success criterion 1.4.3."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_rightly() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable(theme: str) -> None:
    colours = themes()[theme]
    pairs = (
        [(ink, ground) for ink in INKS for ground in GROUNDS]
        + list(ON_SOFT)
        + [("accent-ink", "accent"), ("ink-2", "sunken")]
    )
    low = [(ink, ground, contrast(colours[ink], colours[ground])) for ink, ground in pairs]
    assert [row for row in low if row[2] < 4.5] == []


def test_both_themes_define_the_same_colours() -> None:
    light, dark = TOKENS.split("prefers-color-scheme: dark")
    assert {name for name, _ in VALUE.findall(light)} == {name for name, _ in VALUE.findall(dark)}


@pytest.mark.parametrize("name", STYLES)
def test_styles_fetch_nothing(name: str) -> None:
    source = (ROOT / "styles" / f"{name}.css").read_text("utf-8")
    assert "url(" not in source
    assert "@import" not in source
    assert source.count("{") == source.count("}")
    assert len(source.splitlines()) <= 400


def test_every_style_file_is_served() -> None:
    assert {path.stem for path in (ROOT / "styles").glob("*.css")} == set(STYLES)
