"""What the sample data tells whoever starts the product: who may sign in, and the sample seller's secrets."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleSignIn:
    """One sample person: who it is, in both languages, and how to sign in. Sandbox only."""

    who_en: str
    who_zh: str
    email: str
    password: str


@dataclass(frozen=True)
class SampleMarket:
    """The outcome of `app.sample.seed.seed(settings)`, the same at every call.

    `seller_secrets`: the sample seller's vendors and their webhook signing secrets (`whsec_…`).
    """

    sign_ins: tuple[SampleSignIn, ...]
    seller_secrets: Mapping[str, str]
