"""Addresses of approval outside: the app, and who is who there."""

SETTINGS = "/organization/approval-app"


def act(name: str) -> str:
    """Where the app is tested or disconnected, and members are named: `test`, `disconnect`, `members`."""
    return f"{SETTINGS}/{name}"
