"""A sign-in of the sample market, as `market up` prints it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SignIn:
    """One sample person: who it is, in both languages, and how to sign in. Sandbox only."""

    who_en: str
    who_zh: str
    email: str
    password: str
