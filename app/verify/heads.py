"""The hash chain over the ledger held against what was written down outside the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.verify.rule import Comparison, Example, Outside


def _differing(rows: Sequence[Example], outside: Outside) -> Iterator[Example]:
    if outside.heads is None:
        return
    sealed = {row["seal_number"]: row["hash"] for row in rows}
    for head in outside.heads.read():
        if not head.genuine:
            yield {"seal_number": head.number, "what": "signature_invalid"}
        elif head.number not in sealed:
            yield {"seal_number": head.number, "what": "seal_missing"}
        elif sealed[head.number] != head.hash:
            yield {"seal_number": head.number, "what": "hash_differs", "kept": head.hash, "found": sealed[head.number]}


HEADS = Comparison(
    "ledger.heads",
    "账务哈希链的每个链头与库外留存的签名记录一致。",
    "Every head of the ledger's hash chain is the one that was signed and kept outside the database.",
    "SELECT number AS seal_number, hash FROM billing.ledger_seal",
    _differing,
)
COMPARISONS = (HEADS,)
