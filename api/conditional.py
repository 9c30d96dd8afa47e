"""Conditional requests: whether what the caller holds is still what would be sent."""

from __future__ import annotations


def is_unchanged(if_none_match: str | None, entity_tag: str) -> bool:
    """Whether to answer 304 (RFC 9110 §13.1.2): weak comparison with each tag of the list, or `*`. Tags are quoted."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return "*" in tags or entity_tag in tags
