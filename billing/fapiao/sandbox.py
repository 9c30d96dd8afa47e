"""The sandbox's issuer: numbers by the documented scheme that no authority knows. It keeps nothing: a number follows from the id.

A word in the remarks plays what the administration may answer: `sbx_quota` (the seller's quota is used up), `sbx_title` (the
buyer's name and tax number do not belong together).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final
from uuid import UUID

from billing.documents.fapiao_xml import CHINA
from billing.documents.parties import DocumentParty
from billing.fapiao.ports import FapiaoDraft, FapiaoIssued, FapiaoRefused
from kernel import clock

SANDBOX_ISSUER: Final = "sandbox"
DEFAULT_LIMIT_MINOR: Final = 100_000_000
_CHANNEL: Final = "9"
_SEQUENCE: Final = 10**15
_ANSWERS: Final = {"sbx_quota": "quota_exceeded", "sbx_title": "title_refused"}


class SandboxFapiaoIssuer:
    """Answers at once, always the same for the same id within a year."""

    name = SANDBOX_ISSUER
    sandbox = True

    def __init__(self, limit_minor: int = DEFAULT_LIMIT_MINOR) -> None:
        self.limit_minor = limit_minor

    def issue(self, draft: FapiaoDraft) -> FapiaoIssued | FapiaoRefused:
        """As the port."""
        for word, code in _ANSWERS.items():
            if not draft.is_red and word in draft.remarks:
                return FapiaoRefused(code)
        return FapiaoIssued(_number(draft.id, draft.seller), clock.now())

    def file_red_letter(self, letter_id: UUID, seller: DocumentParty) -> str:
        """As the port."""
        return _number(letter_id, seller)


def _number(of: UUID, seller: DocumentParty) -> str:
    """Year, the province in the seller's 统一社会信用代码 (its 3rd and 4th place), a channel that is none, and a sequence."""
    province = seller.tax_id[2:4] if re.match(r"[0-9A-Z]{2}[0-9]{2}", seller.tax_id) else "00"
    sequence = int.from_bytes(hashlib.blake2b(of.bytes, digest_size=8).digest()) % _SEQUENCE
    return f"{clock.now().astimezone(CHINA):%y}{province}{_CHANNEL}{sequence:015d}"
