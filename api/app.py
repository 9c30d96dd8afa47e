"""The HTTP application: routes, guard, error answers, OpenAPI. Built by the composition with its services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from litestar import Litestar, Router
from litestar.concurrency import set_asyncio_executor
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler

from api.auth import authentication, guard, provide_principal, provide_signed_in
from api.context import Services
from api.contract import openapi
from api.headers import security_headers
from api.pages.site import provide_form, provide_visit
from api.problems import answer
from api.routes import routes
from api.schema import provide_paging

MAX_BODY_BYTES = 1_048_576
"""JSON and forms; the media upload reads its stream under its own limit."""


def create_app(services: Services) -> Litestar:
    """The application over `services`. Raises ImproperlyConfiguredException when a route declares no permission."""
    set_asyncio_executor(ThreadPoolExecutor(services.settings.api_threads, thread_name_prefix="handler"))
    app = Litestar(
        # One router: registered one by one, the handlers of a path would be wrapped for their threads twice.
        route_handlers=[Router(path="/", route_handlers=routes())],
        guards=[guard],
        middleware=[security_headers(services), authentication(services)],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "principal": Provide(provide_principal, sync_to_thread=False),
            "signed_in": Provide(provide_signed_in, sync_to_thread=False),
            "paging": Provide(provide_paging, sync_to_thread=False),
            "visit": Provide(provide_visit, sync_to_thread=False),
            "form": Provide(provide_form),
        },
        exception_handlers={Exception: answer},
        openapi_config=openapi(),
        request_max_body_size=MAX_BODY_BYTES,
        state=State({"services": services}),
    )
    refuse_undeclared(app)
    return app


def refuse_undeclared(app: Litestar) -> None:
    """A route without a permission does not start."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []) or [getattr(route, "route_handler", None)]:
            if isinstance(handler, HTTPRouteHandler) and not _declared(handler, route.path):
                raise ImproperlyConfiguredException(f"{route.path} declares no permission")


def _declared(handler: HTTPRouteHandler, path: str) -> Any:
    return "permission" in handler.opt or path.startswith("/openapi") or handler.http_methods == {"OPTIONS"}
