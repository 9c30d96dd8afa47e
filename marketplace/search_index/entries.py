"""Entries of the index, written and removed in the transaction that publishes, changes or takes back what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import cast, delete
from sqlalchemy.dialects.postgresql import TSVECTOR, insert

from kernel.db.uow import UnitOfWork
from marketplace.search_index.models import SearchEntry
from marketplace.search_index.segment import IN_NAME, VERSION, lexemes

Kind = Literal["product", "video", "channel"]
_PLACES = 4
"""Of one lexeme: more say nothing about how well it fits."""
_LAST_PLACE = 16_383
"""PostgreSQL's own bound of a position."""


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """What is said about something, by weight: its names, who offers it, its summaries, its descriptions."""

    names: Sequence[str]
    offered_by: Sequence[str] = ()
    summaries: Sequence[str] = ()
    texts: Sequence[str] = ()


def write_entry(
    uow: UnitOfWork, kind: Kind, subject_id: UUID, words: IndexedWords, *, audience_id: UUID | None = None
) -> None:
    """Let it be found by these words, and by no earlier ones. `audience_id`: the organization that alone may find it."""
    values = {
        "kind": kind,
        "audience_id": audience_id,
        "document": cast(document_of(words), TSVECTOR),
        "words_version": VERSION,
    }
    statement = insert(SearchEntry).values(subject_id=subject_id, **values)
    uow.session.execute(statement.on_conflict_do_update(index_elements=["subject_id"], set_=values))


def remove_entry(uow: UnitOfWork, subject_id: UUID) -> None:
    """Let it not be found any more; not found already, nothing changes."""
    uow.session.execute(delete(SearchEntry).where(SearchEntry.subject_id == subject_id))


def document_of(words: IndexedWords) -> str:
    """The words as PostgreSQL writes a tsvector."""
    places: dict[str, list[str]] = {}
    for place, weight, forms in _placed(words):
        for form in forms:
            found = places.setdefault(form, [])
            if len(found) < _PLACES:
                found.append(f"{min(place, _LAST_PLACE)}{'D' if form.startswith('~') else weight}")
            if weight == "A" and not form.startswith("~"):
                places[f"{IN_NAME}{form}"] = []
    # Lexemes are letters and digits, so that nothing in them needs quoting.
    return " ".join(f"'{form}':{','.join(found)}" if found else f"'{form}'" for form, found in places.items())


def _placed(words: IndexedWords) -> Iterator[tuple[int, str, set[str]]]:
    place = 0
    for weight, texts in zip("ABCD", (words.names, words.offered_by, words.summaries, words.texts), strict=True):
        for text in dict.fromkeys(texts):
            for forms in lexemes(text, spelled=weight in "AB"):
                place += 1
                yield place, weight, forms
