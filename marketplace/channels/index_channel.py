"""By which words a channel is found."""

from __future__ import annotations

from kernel.db.uow import UnitOfWork
from marketplace.channels.models import Channel
from marketplace.search_index.entries import IndexedWords, write_entry


def index_channel(uow: UnitOfWork, channel: Channel) -> None:
    """Let the channel be found by its names, its handle and what it says of itself."""
    words = IndexedWords(names=(channel.name, channel.name_en, channel.handle), summaries=(channel.bio, channel.bio_en))
    write_entry(uow, "channel", channel.id, words)
