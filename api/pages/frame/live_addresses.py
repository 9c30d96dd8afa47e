"""Addresses of live sessions: the list, the room, and where its host works."""

LIVE = "/live"
SELLER_LIVE = "/seller/live"


def room(session_id: str) -> str:
    """The room of a session; once it ended, its replay."""
    return f"{LIVE}/{session_id}"


def reminder(session_id: str) -> str:
    """Where a reader asks to be reminded, or no more."""
    return f"{LIVE}/{session_id}/reminder"


def stream(session_id: str) -> str:
    """The room as server-sent events."""
    return f"/v1/live-sessions/{session_id}/stream"


def of_channel(channel_id: str) -> str:
    """A channel's own sessions."""
    return f"{LIVE}?channel={channel_id}"


def host(session_id: str, act: str = "") -> str:
    """The host's page of a session, or (`act`) where one of its forms posts."""
    return f"{SELLER_LIVE}/{session_id}{'/' if act else ''}{act}"


def host_item(session_id: str, item_id: str, act: str) -> str:
    """Where an item of the shelf is explained, moved or taken off."""
    return f"{SELLER_LIVE}/{session_id}/items/{item_id}/{act}"


def questions(session_id: str) -> str:
    """Where a viewer asks."""
    return f"{LIVE}/{session_id}/questions"


def question(question_id: str) -> str:
    """Where whoever asked takes it back."""
    return f"{LIVE}/questions/{question_id}"


def host_question(question_id: str) -> str:
    """Where the host shows, hides and answers a question."""
    return f"{SELLER_LIVE}/questions/{question_id}"
