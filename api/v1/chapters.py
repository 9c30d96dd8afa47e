"""Chapters of videos."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from litestar import put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import StrictInt, Wire, refused_unless
from marketplace.videos.set_chapters import MAX_CHAPTERS, MAX_MS, MAX_TITLE, Chapter, set_chapters

WITHOUT_BAR = re.compile(r"[^|]*")


class ChapterIn(Wire):
    """Where a part of the video begins, and what it is about; without a vertical bar."""

    at_ms: Annotated[StrictInt, Field(ge=0, le=MAX_MS, examples=[4_000])]
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), refused_unless(WITHOUT_BAR)]
    title_en: Annotated[str, Field(max_length=MAX_TITLE), refused_unless(WITHOUT_BAR)] = ""


class ChaptersIn(Wire):
    """All chapters of the video, in the order of their times."""

    chapters: Annotated[
        list[ChapterIn],
        Field(max_length=MAX_CHAPTERS, examples=[[{"at_ms": 4_000, "title": "价格", "title_en": "Pricing"}]]),
    ]


@put(
    "/v1/videos/{video_id:uuid}/chapters",
    permission="videos.write",
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def update_chapters(video_id: FromPath[UUID], data: JSONBody[ChaptersIn], request: ApiRequest) -> None:
    """Put the video's chapters in place of those it has. They are shown at once, also of a published video."""
    chapters = [Chapter(**chapter.model_dump()) for chapter in data.chapters]
    request.transact(lambda uow: set_chapters(uow, video_id, chapters))


routes = [update_chapters]
