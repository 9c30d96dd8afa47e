"""Addresses of internal training: what one is to watch, and its manager's."""

OWN = "/training"
MANAGED = "/organization/trainings"
NEW = "/organization/trainings/new"


def own(training_id: object, video_id: object = "") -> str:
    """A training, at one of its videos where one is named."""
    return f"{OWN}/{training_id}?video={video_id}" if video_id else f"{OWN}/{training_id}"


def managed(training_id: object, act: str = "") -> str:
    """The report of a training; `/end` is where it is ended."""
    return f"{MANAGED}/{training_id}{act}"


def report_file(training_id: object, kind: str) -> str:
    """The report as a file: `csv` or `xlsx`."""
    return f"/v1/managed-trainings/{training_id}/{kind}"


def watched(training_id: object, video_id: object) -> str:
    """Where the player says what it played."""
    return f"/v1/trainings/{training_id}/videos/{video_id}/watched"
