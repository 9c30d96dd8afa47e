"""Addresses of requests that begin somewhere else than at a product."""

from __future__ import annotations


def channel_contact(channel_id: str) -> str:
    """The form by which a channel is followed and its seller may get in touch."""
    return f"/channels/{channel_id}/contact"
