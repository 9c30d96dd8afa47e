"""The HTTP application: routes, guard, error answers, OpenAPI. Built by the composition with its services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

from litestar import Litestar, Router
from litestar.concurrency import set_asyncio_executor
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute

from api.context import Services
from api.conversation_watcher import ConversationWatcher
from api.encoded_answers import encode_answers
from api.exception_handler import answer_exception, refuse_malformed
from api.headers import frame_answers
from api.live_watcher import LiveWatcher
from api.openapi import openapi_config
from api.order_watcher import OrderWatcher
from api.pages.frame.site import provide_form, provide_page_request
from api.request import MAX_BODY_BYTES, OPTIONS_ALONE, ApiRequest, guard
from api.routes import all_routes
from api.schema import provide_paging
from api.viewer_lookup import ViewerLookup


def create_app(services: Services) -> Litestar:
    """The application over `services`. Raises ImproperlyConfiguredException when a route declares no permission."""
    app = Litestar(
        route_handlers=[_router()],
        guards=[guard],
        request_class=ApiRequest,
        dependencies={
            "paging": Provide(provide_paging, sync_to_thread=False),
            "page_request": Provide(provide_page_request, sync_to_thread=False),
            "form": Provide(provide_form),
        },
        exception_handlers={Exception: answer_exception},
        openapi_config=openapi_config(),
        request_max_body_size=MAX_BODY_BYTES,
    )
    answer_over(app, services)
    return app


def answer_over(app: Litestar, services: Services) -> None:
    """Give an application, whose routes know of no services, those that it answers by."""
    set_asyncio_executor(ThreadPoolExecutor(services.settings.api_threads, thread_name_prefix="handler"))
    app.state = State(
        {
            "services": services,
            "order_watcher": OrderWatcher(services.db),
            "conversation_watcher": ConversationWatcher(services.db),
            "live_watcher": LiveWatcher(services.db),
            "viewer_lookup": ViewerLookup(services.db),
        }
    )
    app.asgi_handler = frame_answers(services, encode_answers(app.asgi_handler), refuse_malformed)


@cache
def _router() -> Router:
    """Made once; an application registers a copy of it.

    All handlers in one router: registered one by one, those of a path would be wrapped for their threads twice.

    What answers OPTIONS is left to be made anew by the application: the router's names only the methods of the handler that
    was the first of its path.
    """
    router = Router(path="/", route_handlers=all_routes())
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            route.route_handlers = [
                one for one in route.route_handlers if one.http_methods != OPTIONS_ALONE or "permission" in one.opt
            ]
    return router
