"""By which words a video is found while it is published."""

from __future__ import annotations

from kernel.db.uow import UnitOfWork
from marketplace.search_index.entries import IndexedWords, remove_entry, write_entry
from marketplace.videos.models import Video


def index_video(uow: UnitOfWork, video: Video) -> None:
    """Let the video be found by its words, by those who may see it; not at all, while it is unlisted.

    Of one for partners the search asks itself whose reader is one.
    """
    if video.visibility == "unlisted":
        remove_entry(uow, video.id)
        return
    words = IndexedWords(names=(video.title, video.title_en), summaries=(video.description, video.description_en))
    write_entry(uow, "video", video.id, words, audience_id=video.org_id if video.visibility == "internal" else None)
