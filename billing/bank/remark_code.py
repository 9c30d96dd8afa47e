"""The code that a payer writes into a transfer's remark: short, checked, and of letters that nobody takes for another."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O, 1 I L: 31 signs. Their number is a prime, so that one wrong sign or two changed places never go unseen."""
LENGTH: Final = 8
"""Seven signs drawn, one that checks them."""
PREFIX: Final = "BT"
_ELSEWHERE = re.compile(r"[^0-9A-Z]+")
_CODE = re.compile(f"(?={PREFIX}([{ALPHABET}]{{{LENGTH}}}))")


def draw_code() -> str:
    """A new code, such as `BT7KQ2M9XW`; 31^7 of them, so that a guess hits nothing."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return f"{PREFIX}{drawn}{_check_sign(drawn)}"


def find_codes(remark: str) -> tuple[str, ...]:
    """The valid codes in a remark, in order, each once; whatever was written between their signs, in any case and width."""
    plain = _ELSEWHERE.sub("", unicodedata.normalize("NFKC", remark).upper())
    found = (match[1] for match in _CODE.finditer(plain))
    return tuple(dict.fromkeys(f"{PREFIX}{signs}" for signs in found if _check_sign(signs[:-1]) == signs[-1]))


def _check_sign(signs: str) -> str:
    """A sum weighted by place, modulo the prime 31."""
    return ALPHABET[sum(place * ALPHABET.index(sign) for place, sign in enumerate(signs, start=2)) % len(ALPHABET)]
