"""The words under which a contact is given to a seller: the versions in force, in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

About = Literal["request", "follow"]
"""What it is given with: a request that somebody makes, or that somebody follows a channel."""
CONSENT_VERSION = "2026-11"
FOLLOW_VERSION = "2026-12"
_FILES: dict[About, str] = {"request": f"request-{CONSENT_VERSION}.toml", "follow": f"follow-{FOLLOW_VERSION}.toml"}


def consent_text(locale: str, seller_name: str, about: About = "request") -> str:
    """The consent in force as it is shown, in Chinese for any language but English."""
    return _texts(about)["en" if locale == "en" else "zh-CN"].replace("{seller}", seller_name)


@cache
def _texts(about: About) -> dict[str, str]:
    file = resources.files(__package__) / "consents" / _FILES[about]
    return tomllib.loads(file.read_text("utf-8"))
