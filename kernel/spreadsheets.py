"""Cells that a spreadsheet program reads as text, whoever wrote them."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes such a program compute a cell (OWASP, CSV injection)."""


def inert(text: str) -> str:
    """A person's words as a cell that computes nothing. Never for amounts: a minus sign is part of them."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
