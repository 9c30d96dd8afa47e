"""Addresses of an organization's departments, and where it is said whose spending something is."""

DEPARTMENTS = "/departments"


def department(department_id: str, act: str = "") -> str:
    """Where a department is changed, archived or restored."""
    return f"{DEPARTMENTS}/{department_id}/{act}" if act else f"{DEPARTMENTS}/{department_id}"
