"""Addresses of the pages about group robots."""

ROBOTS = "/organization/robots"


def robot(robot_id: object, act: str = "") -> str:
    """The page of one robot, or where it is tested, switched or removed: `test`, `state`, `removal`."""
    return f"{ROBOTS}/{robot_id}" + (f"/{act}" if act else "")
