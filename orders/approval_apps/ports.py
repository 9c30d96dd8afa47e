"""What an approval provider outside can be asked, and what its callbacks say. One contract, three protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

AnswerKind = Literal["agreed", "refused", "passed_on", "withdrawn", "finished"]


@dataclass(frozen=True, slots=True)
class Access:
    """An organization's app with its secrets, for one call or callback."""

    corp_id: str
    client_id: str
    template_code: str
    form_field: str
    approver_node: str | None
    client_secret: str = field(repr=False)
    callback_token: str = field(repr=False)
    callback_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewInstance:
    """What is asked. `reference` is the same for every try of one question."""

    reference: str
    requester: str
    approvers: tuple[str, ...]
    text: str
    summary: str
    """In at most 20 characters."""


@dataclass(frozen=True, slots=True)
class IncomingCallback:
    """A request of a provider's as it came. `query` is decoded once, header names are lower case."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """What the provider wants to be answered."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A message that concerns the app's form. `key` is the same for every repetition."""

    key: str
    type: str
    message: bytes


@dataclass(frozen=True, slots=True)
class ReadCallback:
    """What to answer, and what to write down: None for a check of the address, or what is about something else."""

    reply: CallbackReply
    event: ProviderEvent | None = None


@dataclass(frozen=True, slots=True)
class SaidOutside:
    """What somebody did with an instance. `user_ids` are names of one and the same user."""

    instance_id: str
    kind: AnswerKind
    user_ids: tuple[str, ...]
    remark: str = ""


class ProviderRefused(Exception):
    """The provider understood and said no: nothing was done. `said` is its own text, of at most 200 characters."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said[:200]


class ProviderSilent(Exception):
    """No answer came. `may_have_acted` says whether what was asked may have been done all the same."""

    def __init__(self, reason: str, *, may_have_acted: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_have_acted = may_have_acted


class ApprovalProvider(Protocol):
    """A provider. Thread safe; holds no transaction."""

    can_withdraw: bool
    """Whether an instance can be taken back by its interface."""
    knows_repetitions: bool
    """Whether `create` may be repeated with the same reference: what it made before is found."""

    def check(self, access: Access) -> None:
        """Ask whether the credentials are good. Raises ProviderRefused, ProviderSilent."""

    def create(self, access: Access, new: NewInstance) -> str:
        """Ask; returns the id of the instance. Raises ProviderRefused, ProviderSilent."""

    def withdraw(self, access: Access, instance_id: str, requester: str) -> None:
        """Take an instance back. Raises ProviderRefused, ProviderSilent."""

    def read(self, access: Access, incoming: IncomingCallback) -> ReadCallback:
        """Verify and decrypt. Raises `message_crypto.MessageUnreadable`."""

    def said_in(self, message: bytes) -> Sequence[SaidOutside]:
        """What an event's message says of an instance; nothing where it is about something else."""
