"""Object storage: media and documents, in a local folder by default or in any S3-compatible store by URL.

Bytes stream through in both directions, whatever their size; an object appears whole or not at all, and its SHA-256 and
size are known when :meth:`Storage.put` returns. What an object *is* (media type, owner, name) belongs to the database.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config  # no run-time value

PART_BYTES: Final = 5 * 1024 * 1024
"""Size of a part in a multipart upload: the least that S3 accepts, so that little is held in memory."""

CHUNK_BYTES: Final = 256 * 1024
_MAX_PARTS_IN_FLIGHT: Final = 2
_MAX_KEY_LENGTH: Final = 512
# No dot-files, no "..", no empty piece, nothing a shell, a URL or a case-folding file system could read otherwise.
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*(/[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*)*")


class StorageError(Exception):
    """The store failed; nothing was written."""


class ObjectMissing(StorageError):
    """No object has this key."""


class ObjectTooLarge(StorageError):
    """The stream went on beyond the limit; nothing was written."""


class RangeNotSatisfiable(StorageError):
    """The range begins at or after the object's end (HTTP 416); ``size_bytes`` is the object's size."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__("range not satisfiable")
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What was written: size in bytes and SHA-256 in hex, both counted on the way in."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store knows of an object."""

    key: str
    size_bytes: int
    modified_at: datetime
    etag: str


class _Meter:
    """Counts and hashes a stream, and ends it when it grows beyond the limit."""

    def __init__(self, max_bytes: int | None) -> None:
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def note(self, chunk: bytes) -> bytes:
        self.size_bytes += len(chunk)
        if self._max_bytes is not None and self.size_bytes > self._max_bytes:
            raise ObjectTooLarge(f"more than {self._max_bytes} bytes")
        self._hash.update(chunk)
        return chunk

    def result(self, key: str) -> StoredObject:
        return StoredObject(key, self.size_bytes, self._hash.hexdigest())


class Storage:
    """One store. Thread safe; make one per process."""

    def __init__(self, store: ObjectStore, root: Path | None = None) -> None:
        self._store = store
        self._root = root

    def put(self, key: str, chunks: Iterable[bytes], *, max_bytes: int | None = None) -> StoredObject:
        """Write an object from a stream, replacing any of that key at once and whole.

        When the stream itself raises, its error passes through and nothing is written.

        Raises:
            ValueError: the key is not a safe one.
            ObjectTooLarge: the stream exceeds ``max_bytes``.
            StorageError: the store failed.
        """
        check_key(key)
        meter = _Meter(max_bytes)
        metered = (meter.note(chunk) for chunk in chunks if chunk)
        try:
            obstore.put(self._store, key, metered, chunk_size=PART_BYTES, max_concurrency=_MAX_PARTS_IN_FLIGHT)
        except BaseError as error:
            raise StorageError("could not write") from error
        self._make_durable(key)
        return meter.result(key)

    async def put_async(self, key: str, chunks: AsyncIterable[bytes], *, max_bytes: int | None = None) -> StoredObject:
        """:meth:`put` from an asynchronous stream (an upload's body), without blocking the event loop."""
        check_key(key)
        meter = _Meter(max_bytes)

        async def metered() -> AsyncIterator[bytes]:
            async for chunk in chunks:
                if chunk:
                    yield meter.note(chunk)

        try:
            await obstore.put_async(
                self._store, key, metered(), chunk_size=PART_BYTES, max_concurrency=_MAX_PARTS_IN_FLIGHT
            )
        except BaseError as error:
            raise StorageError("could not write") from error
        await asyncio.to_thread(self._make_durable, key)
        return meter.result(key)

    def put_bytes(self, key: str, content: bytes) -> StoredObject:
        """:meth:`put` of bytes already in memory."""
        return self.put(key, iter((content,)))

    def head(self, key: str) -> ObjectInfo:
        """Size, time and entity tag. Raises ObjectMissing."""
        check_key(key)
        with _reading(key):
            meta = obstore.head(self._store, key)
        return ObjectInfo(key, meta["size"], meta["last_modified"], meta["e_tag"] or "")

    def get_bytes(self, key: str) -> bytes:
        """A whole object; for small ones. Raises ObjectMissing."""
        return b"".join(self.stream(key))

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The object in chunks, from byte ``start`` to before byte ``end``, or to where it ends sooner.

        Raises, before the first chunk:
            ObjectMissing: no such object.
            RangeNotSatisfiable: ``start`` lies at or beyond the end.
            ValueError: ``start`` is negative or not below ``end``.
        """
        span = _span(self.head(key).size_bytes, start, end)
        if span is None:
            return iter(())
        with _reading(key):
            result = obstore.get(self._store, key, options={"range": span})
        return (bytes(chunk) for chunk in result.stream(min_chunk_size=CHUNK_BYTES))

    async def stream_async(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """:meth:`stream` for asynchronous answers, without blocking the event loop; await it, then iterate."""
        check_key(key)
        with _reading(key):
            meta = await obstore.head_async(self._store, key)
            span = _span(meta["size"], start, end)
            result = await obstore.get_async(self._store, key, options={"range": span}) if span else None

        async def chunks() -> AsyncIterator[bytes]:
            if result is not None:
                async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                    yield bytes(chunk)

        return chunks()

    def delete(self, key: str) -> None:
        """Remove an object; one that is already gone is no error, so that a repeated clean-up job ends well."""
        check_key(key)
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise StorageError("could not delete") from error

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys under a folder-like prefix, for orphan sweeps."""
        check_key(prefix)
        for batch in obstore.list(self._store, prefix=prefix):
            yield from (meta["path"] for meta in batch)

    def _make_durable(self, key: str) -> None:
        """A local write is in the page cache only; it must survive a power cut like the row that names it.

        The folders above it too: they may have been made for it.
        """
        if self._root is None:
            return
        path = self._root / key
        # Nobody else's to read, whatever the process' umask.
        path.chmod(0o600)
        for place in (path, *(folder for folder in path.parents if folder.is_relative_to(self._root))):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _reading(key: str) -> Iterator[None]:
    """The store's own errors, in our words."""
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissing(key) from None
    except BaseError as error:
        raise StorageError("could not read") from error


def _span(size: int, start: int, end: int | None) -> tuple[int, int] | None:
    """The bytes that are asked for of an object of this size; None when it is empty and all of it is."""
    if start < 0 or (end is not None and end <= start):
        raise ValueError("a range is 0 <= start < end")
    if start == 0 and size == 0:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, size if end is None else min(end, size)


def check_key(key: str) -> str:
    """Return the key when it is safe on every store. Raises ValueError."""
    if len(key) > _MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise ValueError("a storage key has pieces of lower case letters, digits, dot, dash and underscore")
    return key


def open_storage(
    url: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
) -> Storage:
    """Open a store by URL: ``file:///folder`` or a plain path (made when missing), or ``s3://bucket/prefix``.

    What is not given for S3 is taken from the usual ``AWS_…`` variables or the machine's role. ``endpoint`` names
    another S3-compatible service; plain http there is accepted only because the operator wrote it.

    Raises:
        ValueError: the URL names no store that is known here.
    """
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        if parts.netloc:
            raise ValueError("a file URL has three slashes: file:///folder")
        root = Path(unquote(parts.path) if parts.scheme else url).absolute()
        return Storage(LocalStore(root, mkdir=True, automatic_cleanup=False), root)
    if parts.scheme in ("s3", "s3a"):
        config: S3Config = {}
        if endpoint:
            config["endpoint"] = endpoint
        if region:
            config["region"] = region
        if access_key_id and secret_access_key:
            config["access_key_id"] = access_key_id
            config["secret_access_key"] = secret_access_key
        client_options: ClientConfig = {"allow_http": (endpoint or "").startswith("http://")}
        return Storage(S3Store.from_url(url, config=config, client_options=client_options))
    raise ValueError("storage is file:///folder or s3://bucket/prefix")
