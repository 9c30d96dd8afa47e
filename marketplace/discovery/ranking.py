"""How the feed is ordered: by time of publication, moved by hours that each have a reason. Pure.

A video's place is an instant: when it was published, later by what speaks for it, earlier by what speaks against it. So nothing
has to be worked out again as time goes by, pages continue where the last one ended, and every place can be explained. What
speaks for all viewers alike stands with the video (`place_video.py`, `set_outcome`); what speaks to one viewer is added as the
feed is read.

The bounds are the promise. Whatever others delivered, one of a new channel's first videos stands before everything that was
published before it. What a viewer follows or works with may pass it, but only when that is at most `FOLLOWED_H` older.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

FOLLOWED_H = 48
"""The viewer follows the channel."""
FITS_H = 24
"""It shows a product of a kind that was delivered to the viewer's organization lately. Not added to the other."""
OUTCOME_MOST_H = 72
"""What was bought from it was delivered, and kept."""
NEWCOMER_H = OUTCOME_MOST_H
"""One of a channel's first `NEWCOMER_VIDEOS`: nobody has had the time to buy anything from it."""
NEWCOMER_VIDEOS = 3
CROWDING_H = 6
"""For each video that its channel published in the day before."""
CROWDING_MOST_H = 48
HALFWAY = 8
"""Orders delivered and kept that bring half of `OUTCOME_MOST_H`, when no other was lost."""
OUTCOME_ORDERS = 200
"""So many of a video's latest orders are looked at."""
Reason = Literal["fresh", "followed", "fits", "delivered", "newcomer", "crowded"]


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a video's place: by how many hours it is taken for newer; for older, when negative.

    `fresh` is the time of publication itself and counts no hours.
    """

    reason: Reason
    hours: int


@dataclass(frozen=True, slots=True)
class Taste:
    """What of a viewer moves videos: channels followed, and categories of what was delivered to the organization."""

    followed: frozenset[UUID] = frozenset()
    interests: frozenset[str] = frozenset()

    def is_neutral(self) -> bool:
        """Whether the feed is the one that everybody is shown."""
        return not self.followed and not self.interests

    def hours(self, channel_id: UUID, category: str | None) -> int:
        """By how much a video is taken for newer."""
        if channel_id in self.followed:
            return FOLLOWED_H
        return FITS_H if category in self.interests else 0


def outcome_hours(kept: int, lost: int) -> int:
    """Of orders that a video brought and whose delivery has ended: how many are kept, how many failed or were refunded."""
    if kept <= 0:
        return 0
    return OUTCOME_MOST_H * kept * kept // ((kept + HALFWAY) * (kept + lost))


def newcomer_hours(published_before: int) -> int:
    """`published_before`: how many videos the channel had published before this one."""
    return NEWCOMER_H if published_before < NEWCOMER_VIDEOS else 0


def crowding_hours(published_lately: int) -> int:
    """`published_lately`: how many videos the channel published in the day before this one."""
    return min(published_lately * CROWDING_H, CROWDING_MOST_H)


def explain(
    taste: Taste, channel_id: UUID, category: str | None, *, outcome_h: int, newcomer_h: int, crowding_h: int
) -> tuple[Why, ...]:
    """Every reason for a video's place, what moves it most first."""
    personal: Reason = "followed" if channel_id in taste.followed else "fits"
    parts: tuple[tuple[Reason, int], ...] = (
        (personal, taste.hours(channel_id, category)),
        ("delivered", outcome_h),
        ("newcomer", newcomer_h),
        ("crowded", -crowding_h),
    )
    found = [Why(reason, hours) for reason, hours in parts if hours]
    return (*sorted(found, key=lambda one: -abs(one.hours)), Why("fresh", 0))
