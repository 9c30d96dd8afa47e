"""Corruptions of courses, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def courses_progress_held(p: Planter, _: World) -> None:
    p.change(
        """UPDATE fulfillment.episode_progress p SET changed_at = s.assigned_at - interval '1 second',
                  created_at = s.assigned_at - interval '1 second', completed_at = NULL
           FROM fulfillment.seat s WHERE s.id = p.seat_id"""
    )


def courses_closed(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.video SET visibility = 'unlisted'
           WHERE id = (SELECT video_id FROM marketplace.course_episode WHERE NOT is_preview LIMIT 1)"""
    )
