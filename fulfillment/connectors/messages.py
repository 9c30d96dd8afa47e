"""What a seller's system says, read strictly: bodies of answers and callbacks (`docs/protocols/webhook.md` §2, §3)."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from kernel.logs import redact_text
from kernel.text import plain_text

MESSAGE_LENGTH = 500
ID_LENGTH = 200
URL_LENGTH = 2_000

# One reading for every parser: no user name, no backslash, no white space. Plain http leads to this machine only.
_LAUNCH_URL = re.compile(
    r"(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?"
    r"([/?#][A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?"
)


def _launch_url(value: str) -> str:
    if not _LAUNCH_URL.fullmatch(value):
        msg = "a launch address is https, without user name or fragments of other syntax"
        raise ValueError(msg)
    return value


def _clean(value: str) -> str:
    return redact_text(plain_text(value))[:MESSAGE_LENGTH]


_BETWEEN = " / "
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def split_reason(reason: str) -> tuple[str, str]:
    """A recorded reason for readers of Chinese and of English: its two halves where it was put together from both."""
    halves = reason.split(_BETWEEN)
    is_both = len(halves) == 2 and _CHINESE.search(halves[0]) and not _CHINESE.search(halves[1])
    return (halves[0], halves[1]) if is_both else (reason, reason)


TruncatedText = Annotated[str, AfterValidator(_clean)]
BuyerText = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), AfterValidator(_clean)]
"""Text that the buyer will read: cleaned, without what looks like a secret."""
ExternalId = Annotated[str, StringConstraints(max_length=ID_LENGTH), AfterValidator(plain_text)]
LaunchUrl = Annotated[str, StringConstraints(max_length=URL_LENGTH), AfterValidator(_launch_url)]


class _LocalizedBody(BaseModel):
    # Fields that a later version of the protocol adds are not ours to refuse.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    message_zh: BuyerText | None = None
    message_en: BuyerText | None = None
    message: BuyerText | None = None

    @property
    def words(self) -> tuple[str | None, str | None]:
        """What to show in Chinese and in English; a seller that speaks one language is quoted in it."""
        chinese = self.message_zh or self.message or self.message_en
        return chinese or None, self.message_en or self.message or chinese or None

    @property
    def reason(self) -> str | None:
        """The same as one text, for a record that buyers, the seller and operators read alike."""
        return _BETWEEN.join(dict.fromkeys(filter(None, self.words))) or None


class _TenantBody(_LocalizedBody):
    external_id: ExternalId | None = None
    launch_url: LaunchUrl | None = None

    def names_the_tenant(self) -> bool:
        """Whether it says what a buyer of a new tenant needs: the seller's name of it and where it opens."""
        return bool(self.external_id and self.launch_url)


class SuccessBody(_TenantBody):
    """The body of a 200 answer."""

    status: Literal["succeeded"]


class _RefusalReason(_LocalizedBody):
    # A refusal stands however long its words are.
    message_zh: TruncatedText | None = None
    message_en: TruncatedText | None = None
    message: TruncatedText | None = None


class RefusalBody(BaseModel):
    """The body of a refusal."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    error: _RefusalReason


class CallbackBody(_TenantBody):
    """The body of a callback. `sequence` None: the seller does not number its messages."""

    status: Literal["progress", "succeeded", "failed"]
    sequence: Annotated[int | None, Field(ge=0, lt=2**53)] = None
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    retryable: bool = False
