"""Names of many documents' files: each its own file on any file system, and to be read by a person."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.invoices.file_names import NamedDocument, file_stems

NUMBERS = st.builds("{}-2026-{:06}".format, st.sampled_from(["INV", "CN", "COM"]), st.integers(1, 3))
NAMES = st.one_of(
    st.sampled_from(["甲有限公司", "Acme", "ACME", "acme.", "é", "e\u0301", "a/b", "a\\b", "..", "CON", "\u202egpj"]),
    st.text(max_size=200),
)


def documents(found: list[tuple[str, str]]) -> list[NamedDocument]:
    return [NamedDocument(UUID(int=n), number, issuer) for n, (issuer, number) in enumerate(found)]


@given(st.lists(st.tuples(NAMES, NUMBERS), max_size=12))
@example([("Acme", "INV-2026-000001"), ("ACME", "INV-2026-000001"), ("acme ", "INV-2026-000001")])
def test_every_document_keeps_its_own_file(found: list[tuple[str, str]]) -> None:
    stems = file_stems(documents(found))
    assert len({unicodedata.normalize("NFC", stem.casefold()) for stem in stems}) == len(found)
    with TemporaryDirectory() as folder:
        for stem, (_, number) in zip(stems, found, strict=True):
            assert number in stem
            assert not set(stem) & set('<>:"/\\|?*\n\t\0\u202e')
            (Path(folder) / f"{stem}.pdf").write_text(stem, encoding="utf-8")
        assert len(list(Path(folder).iterdir())) == len(found)


@pytest.mark.parametrize(
    ("found", "stems"),
    [
        ([("甲有限公司", "INV-2026-000001")], ["甲有限公司 INV-2026-000001"]),
        ([("甲", "INV-1"), ("乙", "INV-1")], ["甲 INV-1", "乙 INV-1"]),
        ([("甲", "INV-1"), ("甲", "INV-1")], [f"甲 INV-1 {UUID(int=0)}", f"甲 INV-1 {UUID(int=1)}"]),
        ([("../../etc", "INV-1")], ["etc INV-1"]),
    ],
)
def test_names_are_readable(found: list[tuple[str, str]], stems: list[str]) -> None:
    assert file_stems(documents(found)) == stems
