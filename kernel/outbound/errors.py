"""What may go wrong with an outbound call, told apart by what it means for the caller's state."""


class OutboundError(Exception):
    """Base of every outbound failure.

    ``never_sent`` is True only when it is certain that not one byte of the request left this process for the other
    side: trying again can then not repeat an effect. False means *outcome unknown*: the other side may have acted.
    ``retryable`` says whether the same call can succeed later without anybody changing the address.
    ``reason`` is a stable snake_case word for records and tests; it never contains the other side's text.
    """

    retryable: bool = True

    def __init__(self, reason: str, *, never_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.never_sent = never_sent


class OutboundRefused(OutboundError):
    """Our own policy forbids this call; no request was sent and repeating it will not help."""

    retryable = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason, never_sent=True)


class OutboundTimeout(OutboundError):
    """A time limit (name look-up, connect, read or total) passed."""


class OutboundFailed(OutboundError):
    """The name, the connection, the TLS handshake or the answer failed.

    ``status`` is the HTTP status when the answer's head had been read before the failure, else None.
    """

    def __init__(self, reason: str, *, never_sent: bool, status: int | None = None) -> None:
        super().__init__(reason, never_sent=never_sent)
        self.status = status


class BreakerOpen(OutboundError):
    """The endpoint failed so often that calls are held back for ``retry_after_s`` seconds; nothing was sent."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("breaker_open", never_sent=True)
        self.retry_after_s = retry_after_s


class EndpointBusy(OutboundError):
    """As many calls as allowed are already in flight to this endpoint; nothing was sent."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("endpoint_busy", never_sent=True)
        self.retry_after_s = retry_after_s
