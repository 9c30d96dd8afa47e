"""In zh-CN each side of a sale, and the reader, has one word everywhere (docs/glossary.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OTHERS = {"卖家": "卖方", "商家": "卖方", "买家": "买方", "你": "您"}
"""What is not said, and what is said instead. On an invoice the law says 销售方 and 购买方."""
SAID_IN = (
    "api/pages/**/*.toml",
    "api/pages/**/*.html",
    "api/texts/**/*.toml",
    "marketplace/notifications/texts/*.toml",
    "marketplace/mail/texts/*.toml",
    "marketplace/mail/templates/*",
    "marketplace/pricing/words.py",
    "orders/outgoing_events/catalogue.py",
    "app/verify/*.py",
    "app/commands/*.py",
)
"""Agreements and consents are left out: their versions never change."""


@pytest.mark.parametrize("pattern", SAID_IN)
def test_one_word_for_one_thing(pattern: str) -> None:
    files = [path for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    assert files, pattern
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {other} → {word}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for other, word in OTHERS.items()
        if other in line
    ]
    assert not wrong, "\n".join(wrong)
