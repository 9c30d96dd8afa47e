"""The seller agreement in force: its version, and its text in both languages as it is shown and hashed."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

AGREEMENT_VERSION = "2026-11"
"""The seller agreement in force. A new one is accepted anew."""


@dataclass(frozen=True, slots=True)
class AgreementText:
    """A version in one language. `sha256` is that of the file it was read from: it says what was seen."""

    version: str
    locale: str
    title: str
    sections: tuple[tuple[str, str], ...]
    """Heading and text."""
    sha256: str


@cache
def agreement_text(locale: str) -> AgreementText:
    """The agreement in force in a language of the pages; in Chinese for any other."""
    chosen = "en" if locale == "en" else "zh-CN"
    content = (resources.files(__package__) / "agreements" / f"{AGREEMENT_VERSION}.{chosen}.toml").read_bytes()
    said = tomllib.loads(content.decode())
    return AgreementText(
        version=AGREEMENT_VERSION,
        locale=chosen,
        title=said["title"],
        sections=tuple((one["heading"], one["text"]) for one in said["section"]),
        sha256=hashlib.sha256(content).hexdigest(),
    )
