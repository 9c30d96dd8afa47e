"""Videos that are to be published at a moment."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import delete, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.request import ApiRequest
from api.schema import UtcIn, Wire
from marketplace.publishing.schedule_video import ScheduleVideo, schedule_video, unschedule_video

PATH = "/v1/videos/{video_id:uuid}/schedule"


class ScheduleIn(Wire):
    """When the video is to be published: later than now, within a year."""

    publish_at: Annotated[UtcIn, Field(examples=["2027-01-04T09:00:00+08:00"])]


@put(PATH, permission="videos.write", sync_to_thread=True, status_code=204, refuses=[409], tags=["content"])
def update_schedule(video_id: FromPath[UUID], data: JSONBody[ScheduleIn], request: ApiRequest) -> None:
    """Let the video be published at a moment, in place of any set before. It is asked again then whether anything stands in
    the way: if so it stays unpublished, and its people are told why.
    """
    request.transact(lambda uow: schedule_video(uow, ScheduleVideo(video_id, data.publish_at)))


@delete(PATH, permission="videos.write", sync_to_thread=True, tags=["content"])
def delete_schedule(video_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let the video stay unpublished; not scheduled, nothing changes."""
    request.transact(lambda uow: unschedule_video(uow, video_id))


routes = [update_schedule, delete_schedule]
