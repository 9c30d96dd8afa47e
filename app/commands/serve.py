"""`market serve`: the API in one process."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from app.startup import collection_paused

if TYPE_CHECKING:
    from kernel.settings import Settings

BACKLOG = 2048
KEEP_ALIVE_S = 90
"""Longer than proxies keep an idle connection, which is up to 75 s.

The side that sends the requests must be the one that closes: else a request meets a connection just closed, and is lost.
"""


def server_options(settings: Settings) -> dict[str, Any]:
    """How the server listens and holds its connections."""
    return {
        "host": settings.host,
        "port": settings.port,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        # Forwarded addresses are read by the API itself, from as many proxies as FORWARDED_HOPS says.
        "proxy_headers": False,
        "timeout_graceful_shutdown": settings.shutdown_grace_s,
    }


def run() -> int:
    """Serve until SIGTERM or Ctrl-C; then take no new requests and finish those under way (SHUTDOWN_GRACE_S)."""
    with collection_paused():
        import uvicorn

        from api.app import create_app
        from app.clock_follower import follow_clock
        from app.composition import compose
        from app.embedded.engines import running_engines
        from app.http_protocol import MarketProtocol
        from kernel.huge_pages import gather_when_busy
        from kernel.logs import configure_logs

    with running_engines() as settings:
        with collection_paused():
            configure_logs(settings.log_format, settings.log_level, process="api")
            services = compose(settings)
            asgi = create_app(services)
        stop = threading.Event()
        follow_clock(services, stop)
        # Calls to gateways that requests make hold leases; this keeps them.
        services.runner.start()
        gather_when_busy()
        server = uvicorn.Server(uvicorn.Config(asgi, http=MarketProtocol, **server_options(settings)))
        # After its graceful end uvicorn raises the signal again; without a handler that would kill us before the rest.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        try:
            server.run()
        finally:
            stop.set()
            services.runner.stop()
            services.db.dispose()
        return 0 if server.started else 1
