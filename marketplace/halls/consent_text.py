"""The words under which visitors register and give their badges: the version in force, in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from kernel.errors import Conflict, Invalid

CONSENT_VERSION = "2026-12"


def consent_text(about: Literal["registration", "exchange"], locale: str, party: str) -> str:
    """The consent in force as it is shown, in Chinese for any language but English. `party`: who is given the details."""
    said = _texts()[about]["en" if locale == "en" else "zh-CN"]
    return said.replace("{organizer}", party).replace("{exhibitor}", party)


def require_consent(version: str) -> None:
    """Raises Invalid(`consent_required`) without one, Conflict(`consent_outdated`) when other words are in force."""
    if not version:
        raise Invalid("consent_required", field="consent_version")
    if version != CONSENT_VERSION:
        raise Conflict("consent_outdated")


@cache
def _texts() -> dict[str, dict[str, str]]:
    file = resources.files(__package__) / "consents" / f"{CONSENT_VERSION}.toml"
    return tomllib.loads(file.read_text("utf-8"))
