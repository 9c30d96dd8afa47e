"""Resumable uploads of videos: tus 1.0 (https://tus.io/protocols/resumable-upload) and four of its extensions.

A stream is cut into objects of a few megabytes, each recorded as soon as it lies in the store. So no upload takes more memory
than one of them, an offset that was told survives any crash, any process may take the next piece, and whoever held an
offset that others were faster with is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Response, delete, get, patch, post, route
from litestar.concurrency import sync_to_thread
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.params import FromPath, HeaderParameter

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out
from api.v1.media import too_large
from kernel.errors import DomainError, Invalid, Unavailable
from kernel.storage import PART_BYTES, StorageError
from marketplace.videos.media.receive_media import MAX_BYTES
from marketplace.videos.models import key_of_upload
from marketplace.videos.uploads.append_parts import AppendParts, append_parts, check_appendable
from marketplace.videos.uploads.begin_upload import BeginUpload, begin_upload
from marketplace.videos.uploads.discard import cancel_upload
from marketplace.videos.uploads.queries import UploadProgress, get_upload

VERSION: Final = "1.0.0"
ALGORITHMS: Final = ("sha1", "sha256")
CONTENT_TYPE: Final = "application/offset+octet-stream"
TUS: Final = {
    "Tus-Resumable": VERSION,
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,termination,expiration,checksum",
    "Tus-Max-Size": str(MAX_BYTES),
    "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
}
"""What this server speaks: in every answer, refusals too, so that one alone tells a client what to do differently."""
_OPTIONS: Final[dict[str, Any]] = {
    "permission": "videos.write",
    "answer_headers": TUS,
    "tags": ["content"],
}
_LONGEST_METADATA: Final = 4_000


class VersionUnsupported(DomainError):
    """The client speaks another version of the protocol."""

    status = 412


class WrongMediaType(DomainError):
    """The body is not of the kind that is taken here."""

    status = 415


class ChecksumDiffers(DomainError):
    """The bytes are not those that were sent: tus' own status."""

    status = 460


Version = Annotated[
    str | None, HeaderParameter(name="Tus-Resumable", required=False, max_length=20, description="`1.0.0`")
]


class UploadProgressOut(Out):
    """How far an upload is. Without another byte it expires at `expires_at`."""

    id: UUID
    video_id: UUID
    file_name: str
    size_bytes: int
    received_bytes: int
    expires_at: datetime


@route(
    ["/v1/videos/{video_id:uuid}/uploads", "/v1/uploads/{upload_id:uuid}"],
    http_method=[HttpMethod.OPTIONS],
    permission=PUBLIC,
    include_in_schema=False,
    sync_to_thread=False,
    status_code=204,
)
def describe_uploads() -> Response[None]:
    """Which versions and extensions of tus there are."""
    return Response(None, status_code=204, headers=TUS)


@post("/v1/videos/{video_id:uuid}/uploads", sync_to_thread=True, refuses=[412, 413, 429], status_code=201, **_OPTIONS)
def create_upload(
    video_id: FromPath[UUID],
    request: ApiRequest,
    upload_length: Annotated[
        int, HeaderParameter(name="Upload-Length", ge=0, description="The file's size in bytes, 2 GB at most")
    ],
    upload_metadata: Annotated[
        str,
        HeaderParameter(
            name="Upload-Metadata",
            required=False,
            max_length=_LONGEST_METADATA,
            description="Names and values in Base64; `filename` is the file's name",
        ),
    ] = "",
    tus_resumable: Version = None,
) -> Response[UploadProgressOut]:
    """Announce a file (tus 1.0). Send it by PATCH to `Location`; a video has one unfinished upload, the latest."""
    _check_version(tus_resumable)
    if upload_length > MAX_BYTES:
        raise too_large()
    name = _metadata(upload_metadata).get("filename", "")
    command = BeginUpload(video_id, upload_length, name, upload_metadata)
    made = request.transact(lambda uow: UploadProgress.of(begin_upload(uow, request.services.storage, command)))
    headers = TUS | {"Location": f"/v1/uploads/{made.id}", "Upload-Offset": "0", "Upload-Expires": _expires(made)}
    return Response(UploadProgressOut.of_row(made), status_code=201, headers=headers)


@get("/v1/uploads/{upload_id:uuid}", sync_to_thread=True, refuses=[410, 412], **_OPTIONS)
def get_progress(
    upload_id: FromPath[UUID], request: ApiRequest, tus_resumable: Version = None
) -> Response[UploadProgressOut]:
    """How much has arrived of how much, in the headers as well: tus asks for these alone, by HEAD. Go on from there."""
    if tus_resumable is not None:
        _check_version(tus_resumable)
    with request.transaction() as uow:
        found = get_upload(uow, upload_id)
    headers = TUS | {
        "Upload-Offset": str(found.received_bytes),
        "Upload-Length": str(found.size_bytes),
        "Upload-Expires": _expires(found),
        "Cache-Control": "no-store",
    }
    if found.metadata_header:
        headers["Upload-Metadata"] = found.metadata_header
    return Response(UploadProgressOut.of_row(found), headers=headers)


@patch(
    "/v1/uploads/{upload_id:uuid}",
    request_max_body_size=None,
    raw_body={CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    refuses=[410, 412, 415, 460],
    status_code=204,
    **_OPTIONS,
)
async def append_bytes(
    upload_id: FromPath[UUID],
    request: ApiRequest,
    upload_offset: Annotated[
        int, HeaderParameter(name="Upload-Offset", ge=0, description="Where the body's first byte belongs")
    ],
    upload_checksum: Annotated[
        str | None,
        HeaderParameter(
            name="Upload-Checksum",
            required=False,
            max_length=200,
            description="`sha1` or `sha256`, and the body's in Base64: a body that differs is refused whole",
        ),
    ] = None,
    tus_resumable: Version = None,
) -> Response[None]:
    """Send the file on from `Upload-Offset`. What arrives before a connection breaks is kept, except under a checksum."""
    _check_version(tus_resumable)
    if request.headers.get("content-type", "").partition(";")[0].strip() != CONTENT_TYPE:
        raise WrongMediaType("media_type_unsupported")
    expected = _checksum(upload_checksum)
    upload = await sync_to_thread(_appendable, request, upload_id, upload_offset)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and upload_offset + int(announced) > upload.size_bytes:
        raise Invalid("upload_too_long", size=upload.size_bytes)
    writer = _Writer(request, upload, expected)
    try:
        await writer.take_all()
    except StorageError as error:
        raise Unavailable("storage_unavailable") from error
    after = await sync_to_thread(_upload, request, upload_id)
    headers = TUS | {"Upload-Offset": str(after.received_bytes), "Upload-Expires": _expires(after)}
    return Response(None, status_code=204, headers=headers)


@delete("/v1/uploads/{upload_id:uuid}", sync_to_thread=True, refuses=[412], status_code=204, **_OPTIONS)
def delete_upload(upload_id: FromPath[UUID], request: ApiRequest, tus_resumable: Version = None) -> Response[None]:
    """Give an unfinished upload up; what has arrived is deleted."""
    _check_version(tus_resumable)
    request.transact(lambda uow: cancel_upload(uow, request.services.storage, upload_id))
    return Response(None, status_code=204, headers=TUS)


class _Writer:
    """Cuts a request's body into objects and lets each become part of the upload. Under a checksum all or none do."""

    def __init__(self, request: ApiRequest, upload: UploadProgress, expected: tuple[Any, bytes] | None) -> None:
        self._request, self._upload = request, upload
        self._storage = request.services.storage
        self._hash: Any
        self._hash, self._digest = expected or (None, b"")
        self._buffer = bytearray()
        self._recorded = self._stored = upload.received_bytes
        self._names: list[str] = []

    async def take_all(self) -> None:
        """The whole body, or as much as comes of it.

        Raises:
            Invalid: `upload_too_long`, `upload_interrupted`. ChecksumDiffers: `upload_checksum_differs`.
            StorageError; and those of `append_parts`.
        """
        try:
            async for chunk in self._request.stream():
                await self._take(chunk)
        except HTTPException as error:
            if self._hash is None:
                await self._store_rest()
            raise Invalid("upload_interrupted") from error
        else:
            if self._hash is not None and self._hash.digest() != self._digest:
                raise ChecksumDiffers("upload_checksum_differs")
            await self._store_rest()
        finally:
            await self._forget_unrecorded()

    async def _take(self, chunk: bytes) -> None:
        if self._stored + len(self._buffer) + len(chunk) > self._upload.size_bytes:
            raise Invalid("upload_too_long", size=self._upload.size_bytes)
        if self._hash is not None:
            self._hash.update(chunk)
        self._buffer += chunk
        while len(self._buffer) >= PART_BYTES:
            await self._store(PART_BYTES)
            if self._hash is None:
                await self._record()

    async def _store_rest(self) -> None:
        if self._buffer:
            await self._store(len(self._buffer))
        if self._names:
            await self._record()

    async def _store(self, size: int) -> None:
        content = bytes(self._buffer[:size])
        del self._buffer[:size]
        # Nobody else's name: of two that send the same bytes the slower must not write over the faster.
        name = f"{self._stored:010d}-{secrets.token_hex(6)}"
        self._names.append(name)
        await self._storage.put_async(self._key(name), _once(content))
        self._stored += size

    async def _record(self) -> None:
        command = AppendParts(self._upload.id, self._recorded, self._stored, tuple(self._names))
        await sync_to_thread(self._request.transact, lambda uow: append_parts(uow, command))
        self._recorded, self._names = self._stored, []

    async def _forget_unrecorded(self) -> None:
        for name in self._names:
            await sync_to_thread(self._storage.delete, self._key(name))

    def _key(self, name: str) -> str:
        return f"{key_of_upload(self._upload.video_id, self._upload.id)}/{name}"


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _appendable(request: ApiRequest, upload_id: UUID, at_bytes: int) -> UploadProgress:
    with request.transaction() as uow:
        return UploadProgress.of(check_appendable(uow, upload_id, at_bytes))


def _upload(request: ApiRequest, upload_id: UUID) -> UploadProgress:
    with request.transaction() as uow:
        return get_upload(uow, upload_id)


def _check_version(version: str | None) -> None:
    if version != VERSION:
        raise VersionUnsupported("tus_version_unsupported", version=VERSION)


def _metadata(header: str) -> dict[str, str]:
    """Names and values. Raises Invalid(`upload_metadata_invalid`)."""
    found: dict[str, str] = {}
    for pair in filter(None, (one.strip() for one in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise Invalid("upload_metadata_invalid", field="Upload-Metadata") from error
    return found


def _checksum(header: str | None) -> tuple[Any, bytes] | None:
    """What computes it, and what it must come to. Raises Invalid(`checksum_algorithm_unknown`)."""
    if header is None:
        return None
    name, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("checksum_algorithm_unknown", field="Upload-Checksum", known=", ".join(ALGORITHMS)) from error
    if name not in ALGORITHMS:
        raise Invalid("checksum_algorithm_unknown", field="Upload-Checksum", known=", ".join(ALGORITHMS))
    return hashlib.new(name, usedforsecurity=False), digest


def _expires(upload: UploadProgress) -> str:
    return format_datetime(upload.expires_at, usegmt=True)


routes = [describe_uploads, create_upload, get_progress, append_bytes, delete_upload]
