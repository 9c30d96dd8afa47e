"""Documents of strangers on their way into the object store and out of it; for every route and page that takes or sends one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from litestar import Response

from api.request import ApiRequest
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Unavailable
from kernel.storage import ObjectMissing, StorageError, StoredObject

_ENDINGS = {"application/pdf": "pdf", "image/png": "png"}


class KeptFile(Protocol):
    """A row that names its file."""

    file_key: str


R = TypeVar("R", bound=KeptFile)


def keep_document(request: ApiRequest, key: str, content: bytes, keep: Callable[[UnitOfWork, StoredObject], R]) -> R:
    """Store bytes that were checked and have `keep` write its row. Where it refuses, or has the same already, they go again.

    Raises: as `keep`; Unavailable `storage_unavailable`.
    """
    storage = request.services.storage
    try:
        stored = storage.put_bytes(key, content)
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    try:
        row = request.transact(lambda uow: keep(uow, stored))
    except DomainError:
        storage.delete(stored.key)
        raise
    if row.file_key != stored.key:
        # The same was handed in a moment ago.
        storage.delete(stored.key)
    return row


def stored_bytes(request: ApiRequest, key: str) -> bytes:
    """Raises Unavailable `media_missing`."""
    try:
        return request.services.storage.get_bytes(key)
    except ObjectMissing as error:
        raise Unavailable("media_missing") from error


def scan_answer(request: ApiRequest, key: str, media_type: str, name: str) -> Response[Any]:
    """A scan under a name of ours: pictures are shown, everything else is downloaded. Raises as `stored_bytes`."""
    disposition = "inline" if media_type.startswith("image/") else "attachment"
    file_name = f"{name}.{_ENDINGS.get(media_type, 'jpg')}"
    return foreign_answer(stored_bytes(request, key), media_type, f'{disposition}; filename="{file_name}"')


def foreign_answer(content: bytes, media_type: str, disposition: str) -> Response[Any]:
    """A stranger's file: it runs nothing here, and is what it was checked to be."""
    headers = {
        "Content-Disposition": disposition,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
