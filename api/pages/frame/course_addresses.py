"""Addresses of courses: a member's, the administrator's under the entitlement, the seller's under the product."""

COURSES = "/courses"


def course(listing_id: str, video_id: str = "") -> str:
    """A course, at one of its episodes where one is named."""
    return f"{COURSES}/{listing_id}?episode={video_id}" if video_id else f"{COURSES}/{listing_id}"


def progress_of_members(entitlement_id: str) -> str:
    """How far members came in what was bought."""
    return f"/entitlements/{entitlement_id}/progress"


def edit(listing_id: str) -> str:
    """Where a seller puts a course together, and its form posts."""
    return f"/seller/listings/{listing_id}/course"
