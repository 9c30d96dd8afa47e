"""Names of payers as they are compared: banks write brackets, spaces and width as they like."""

from __future__ import annotations

import unicodedata


def name_key(name: str) -> str:
    """What two spellings of one name have in common: no width, case, spaces or punctuation.

    （深圳）and (深圳) are one, `ACME  Co., Ltd.` and `Acme Co Ltd` too. Empty for a name without letters or digits.
    """
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())
