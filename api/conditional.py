"""What a caller says about the answer: which version they hold already, and how long they would wait for a newer one."""

from __future__ import annotations

from typing import Annotated

from litestar.params import HeaderParameter

MOST_WAIT_S = 30

PreferHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer",
        required=False,
        max_length=200,
        description="`wait=N` (RFC 7240): hold the answer for up to N seconds, 30 at most, until something is decided.",
    ),
]


def is_unchanged(if_none_match: str | None, entity_tag: str) -> bool:
    """Whether to answer 304 (RFC 9110 §13.1.2): weak comparison with each tag of the list, or `*`. Tags are quoted."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return "*" in tags or entity_tag in tags


def wait_preference(prefer: str | None) -> int | None:
    """For how many seconds the caller would wait for an answer (RFC 7240 §4.3), at most 30; None when they do not say."""
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == "wait" and seconds.isascii() and seconds.isdigit():
            return min(int(seconds[:9]), MOST_WAIT_S)
    return None
