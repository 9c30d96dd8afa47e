"""Who is looking, for statements that are built once."""

from __future__ import annotations

from kernel.principal import Principal


def viewer(principal: Principal) -> dict[str, object]:
    """The parameters of `MAY_SEE`."""
    return {"platform": principal.is_platform, "own_id": principal.org_id}
