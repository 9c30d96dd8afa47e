"""Liveness and readiness. Asynchronous, so that they answer while every handler thread is busy."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.concurrency import sync_to_thread
from sqlalchemy import text

from api.auth import PUBLIC
from api.request import ApiRequest
from kernel import clock
from kernel.jobs.kinds import APART
from kernel.principal import SYSTEM


@get("/healthz", permission=PUBLIC, include_in_schema=False)
async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


@get("/readyz", permission=PUBLIC, include_in_schema=False)
async def readyz(request: ApiRequest) -> Response[dict[str, Any]]:
    """The database answers, and how far behind the jobs are."""
    try:
        body = await sync_to_thread(_look, request)
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the answer is "not ready"
        return Response({"status": "unavailable", "error": type(error).__name__}, status_code=503)
    return Response(body)


def _look(request: ApiRequest) -> dict[str, Any]:
    with request.transaction(acting_as=SYSTEM) as uow:
        row = uow.session.execute(
            text("""SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
                           extract(epoch FROM :now - min(run_at) FILTER (
                               WHERE state = 'ready' AND queue NOT LIKE :apart)) AS oldest_s
                    FROM kernel.job WHERE state IN ('ready', 'dead')"""),
            {"now": clock.now(), "apart": APART},
        ).one()
        return {"status": "ok", "dead_jobs": row.dead, "oldest_ready_job_s": max(0, int(row.oldest_s or 0))}


routes = [healthz, readyz]
