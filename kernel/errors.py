"""Errors a user may meet.

`code` is part of the public contract: stable, snake case, never reused. The words for each code, in every language, live
at the edge (`api/texts`), so that the domain speaks in facts and parameters.
"""

from __future__ import annotations

from typing import ClassVar

from kernel.rate_limit import Quota


class DomainError(Exception):
    """A refusal with a stable `code`; `params` fill the sentence shown to the user."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, /, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code


class Unauthenticated(DomainError):
    """Nobody is signed in, or the credential is not valid."""

    status = 401


class Forbidden(DomainError):
    """The principal is known and may not do this in its own organization. Foreign objects are NotFound instead."""

    status = 403


class NotFound(DomainError):
    """No such object, or none that this principal may know of: the two are deliberately the same answer."""

    status = 404


class Conflict(DomainError):
    """The object's present state does not allow this."""

    status = 409


class Gone(DomainError):
    """It existed and its time has passed (an expired quote, a spent link)."""

    status = 410


class TooLarge(DomainError):
    """More bytes than are taken."""

    status = 413


class Invalid(DomainError):
    """The input cannot be accepted; `field` names the part when there is one."""

    status = 422

    def __init__(self, code: str, /, *, field: str | None = None, **params: object) -> None:
        super().__init__(code, **params)
        self.field = field


class UnknownValue(Invalid):
    """A parameter takes one of a few words, and was sent another."""

    status = 400


class TooMany(DomainError):
    """A limit on frequency or size was reached; `quota` is the one that refused, where it is so many in a time."""

    status = 429

    def __init__(self, code: str, /, *, quota: Quota | None = None, **params: object) -> None:
        super().__init__(code, **params)
        self.quota = quota


class Unavailable(DomainError):
    """A part this needs does not answer at present; nothing was changed."""

    status = 503
