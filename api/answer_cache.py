"""Encoded answers of the catalogue, kept in memory for as long as nothing of what they show has changed.

Each request asks the database for the catalogue's version first; a changed price, a withdrawn card or a lost visibility
replaced it in its own transaction, so the next request misses and reads anew. What else decides an answer is in its key:
the viewer, the query, and the hour, as signed media addresses are good for a while.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from litestar import MediaType, Response
from litestar.concurrency import sync_to_thread

from api.auth import has_bearer, session_token
from api.encoded_answers import LEAST_BYTES, Encoding, encode, requested_encoding
from kernel import clock
from marketplace.discovery.viewer import CatalogueViewer, find_catalogue_viewers

if TYPE_CHECKING:
    from api.request import ApiRequest
    from api.viewer_lookup import ViewerLookup
    from kernel.db.uow import UnitOfWork

MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """A body, in the encodings in which it was asked for as well, and the headers of its own."""

    body: bytes
    headers: Mapping[str, str]
    encoded: Mapping[Encoding, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return len(self.body) + sum(map(len, self.encoded.values()))


class AnswerCache:
    """The answers used last, up to `max_bytes` of bodies. Safe to share between threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[Hashable, CachedAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> CachedAnswer | None:
        """The answer kept under `key`."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def put(self, key: Hashable, answer: CachedAnswer) -> None:
        """Keep an answer; those not used for longest make room. One larger than the whole is not kept."""
        if answer.size > self._max_bytes:
            return
        with self._lock:
            replaced = self._answers.pop(key, None)
            self._bytes += answer.size - (replaced.size if replaced else 0)
            self._answers[key] = answer
            while self._bytes > self._max_bytes:
                _, dropped = self._answers.popitem(last=False)
                self._bytes -= dropped.size

    def encoded(self, key: Hashable, answer: CachedAnswer, encoding: Encoding) -> bytes:
        """The body of `answer` in an encoding, kept beside it under `key`."""
        body = answer.encoded.get(encoding)
        if body is None:
            body = encode(answer.body, encoding, "kept")
            self.put(key, replace(answer, encoded={**answer.encoded, encoding: body}))
        return body


async def catalogue_answer(
    request: ApiRequest, read: Callable[[UnitOfWork], Response[Any]], *query: Hashable
) -> Response[Any]:
    """What `read` answers to this viewer, or what it answered before while the catalogue is the same.

    `query` is everything of the request that `read` goes by, besides its path. `read` runs on a thread, in the caller's
    transaction. Keys are not looked up with others: their use is noted.
    """
    anybody = None
    if not has_bearer(request):
        lookup: ViewerLookup = request.scope["litestar_app"].state["viewer_lookup"]
        token = session_token(request)
        viewer = await lookup.find(token)
        anybody = viewer if token is None else None
        key = _key(request, query, viewer) if viewer else None
        answer = request.services.answers.get(key) if key is not None else None
        if answer is not None:
            return _respond(request, key, answer)
    return await sync_to_thread(_read_anew, request, read, query, anybody)


async def answer_anew(request: ApiRequest, read: Callable[[UnitOfWork], Response[Any]]) -> Response[Any]:
    """What `read` answers in the caller's transaction, not kept."""

    def run() -> Response[Any]:
        with request.transaction() as uow:
            return read(uow)

    return await sync_to_thread(run)


def _read_anew(
    request: ApiRequest,
    read: Callable[[UnitOfWork], Response[Any]],
    query: Hashable,
    anybody: CatalogueViewer | None,
) -> Response[Any]:
    with request.transaction() as uow:
        # Whoever presents a session may act for another organization by now: asked in the transaction that reads.
        viewer = anybody or find_catalogue_viewers(uow, [uow.principal]).get(uow.principal)
        made = read(uow)
        answer = CachedAnswer(made.render(made.content, MediaType.JSON), dict(made.headers))
        key = _key(request, query, viewer) if viewer else None
        if key is not None:
            request.services.answers.put(key, answer)
    return _respond(request, key, answer)


def _key(request: ApiRequest, query: Hashable, viewer: CatalogueViewer) -> Hashable:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    return request.scope["path"], query, viewer, hour


def _respond(request: ApiRequest, key: Hashable | None, answer: CachedAnswer) -> Response[Any]:
    body, headers = answer.body, dict(answer.headers)
    encoding = requested_encoding(request.scope["headers"]) if len(body) >= LEAST_BYTES else None
    if key is not None and encoding is not None:
        body, headers["Content-Encoding"] = request.services.answers.encoded(key, answer, encoding), encoding
    return Response(body, media_type=MediaType.JSON, headers=headers)
