"""What the sender of a webhook is answered."""

from __future__ import annotations

from api.schema import Out


class AcceptedOut(Out):
    """The message is stored, now or earlier."""

    status: str
