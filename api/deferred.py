"""An answer that is made on the event loop after its handler returned: waiting costs no thread and no transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response
from litestar.types import ASGIApp, Receive, Scope, Send


class DeferredResponse(Response[Any]):
    """The response that `produce` will have made. What `produce` raises is answered as if the handler had raised it."""

    def __init__(self, produce: Callable[[], Awaitable[Response[Any]]]) -> None:
        super().__init__(None)
        self._produce = produce

    def to_asgi_response(self, *arguments: Any, **options: Any) -> ASGIApp:  # type: ignore[override]
        """An ASGI application that waits for the response, then sends it."""

        async def send_later(scope: Scope, receive: Receive, send: Send) -> None:
            response = await self._produce()
            await response.to_asgi_response(*arguments, **options)(scope, receive, send)

        return send_later
