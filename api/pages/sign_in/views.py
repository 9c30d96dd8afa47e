"""Signing in, and the pages for what went wrong."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """A sign-in of the sandbox's sample data, offered on the page so that a visitor can start at once."""

    email: str
    organization: str
    role: str


@dataclass(frozen=True, slots=True)
class SignInView:
    """The sign-in form. ``error`` is a ready sentence; ``next_path`` has been checked to be a local path."""

    template: ClassVar[str] = "sign_in/sign_in.html"
    active: ClassVar[str] = ""

    email: str = ""
    next_path: str = "/"
    error: str | None = None
    samples: tuple[SampleAccount, ...] = ()
    unsaved: bool = False
    """Whether a form was sent by somebody whose session had ended."""


@dataclass(frozen=True, slots=True)
class CodeView:
    """The second step: the code of the authenticator app. ``next_path`` has been checked to be a local path."""

    template: ClassVar[str] = "sign_in/code.html"
    active: ClassVar[str] = ""

    email: str
    next_path: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OrganizationLeftView:
    """Whom the reader acted for until somebody ended that, whom they act for now, and as what."""

    template: ClassVar[str] = "sign_in/organization_left.html"
    active: ClassVar[str] = ""

    left: str
    organization: str
    roles: tuple[str, ...]
