"""The words under which a contact is given to a seller: the version in force, in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

CONSENT_VERSION = "2026-11"


def consent_text(locale: str, seller_name: str) -> str:
    """The consent in force as it is shown, in Chinese for any language but English."""
    return _texts()["en" if locale == "en" else "zh-CN"].replace("{seller}", seller_name)


@cache
def _texts() -> dict[str, str]:
    file = resources.files(__package__) / "consents" / f"{CONSENT_VERSION}.toml"
    return tomllib.loads(file.read_text("utf-8"))
