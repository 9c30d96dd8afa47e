"""Captions of a video in a language: put, replaced, removed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.storage import StoredObject
from marketplace.videos.access import lock_own_video
from marketplace.videos.captions.check_captions import LANGUAGES, checked_language
from marketplace.videos.models import Video


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """Captions that a player may show: their language, its own name for itself, and what an address carries for them."""

    language: str
    name: str
    version: str


def put_captions(uow: UnitOfWork, video_id: UUID, language: str, stored: StoredObject) -> None:
    """Let checked captions, stored under `captions_key`, be those of the video in the language.

    Raises:
        NotFound: `video_not_found`. Invalid: `caption_language_unknown`.

    Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    video.captions = {**video.captions, checked_language(language): stored.sha256}
    uow.flush()


def remove_captions(uow: UnitOfWork, video_id: UUID, language: str) -> None:
    """Take the video's captions in a language away. There are none, nothing changes.

    Raises:
        NotFound: `video_not_found`.

    Locks: the video.
    """
    video = lock_own_video(uow, video_id)
    video.captions = {known: sha256 for known, sha256 in video.captions.items() if known != language}
    uow.flush()


def tracks_of(video: Video) -> tuple[CaptionTrack, ...]:
    """The video's captions in the order of `LANGUAGES`."""
    return tuple(
        CaptionTrack(language, name, video.captions[language][:16])
        for language, name in LANGUAGES.items()
        if language in video.captions
    )
