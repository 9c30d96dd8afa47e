"""A page's form as it was sent, its files cut where they are too large.

A body that is refused before it is read answers with a page of its own, and what was typed beside the file is lost. So a form
with files is read to its end, in constant memory, and of a file no more is kept than shows that it is too large: whoever takes
it then says so on the form's own page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from multipart import MultipartSegment, ParserError, ParserLimitReached, PushMultipartParser

from api.request import MAX_BODY_BYTES, ApiRequest

Parts = list[tuple[str, str | UploadFile]]
MOST_READ_BYTES = 200_000_000
"""Of a body. A browser shows an answer once it has sent everything; what is larger is answered all the same, shown or not."""
MOST_PARTS = 1000


async def read_form(request: ApiRequest, file_bytes: int | None) -> Parts:
    """The form's values and files in their order.

    `file_bytes`: how large a file of this form may be; one byte more is kept of a larger one. None: the body has its usual bound.

    Raises: HTTPException 413 when what was typed is beyond `MAX_BODY_BYTES`, 400 for what is no form.
    """
    if file_bytes is None:
        return list((await request.form()).multi_items())
    kind, options = request.content_type
    if kind == "multipart/form-data" and options.get("boundary"):
        return await _multipart(request.stream(), options["boundary"].encode(), file_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return list(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_PARTS))


async def _multipart(stream: AsyncIterator[bytes], boundary: bytes, file_bytes: int) -> Parts:
    parts: Parts = []
    reader = _Reader(parts, file_bytes)
    read = 0
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        async for chunk in stream:
            read += len(chunk)
            for event in parser.parse(chunk):
                await reader.take(event)
            if read > MOST_READ_BYTES:
                await reader.take(None)
                return parts
            if parser.closed:
                break
        parser.close()
    except ParserLimitReached:
        raise _too_large() from None
    except (ParserError, ValueError, LookupError) as error:
        raise ClientException("Invalid multipart/form-data") from error
    return parts


class _Reader:
    """Puts the parser's events together: a segment's head, its bytes, and None at its end."""

    def __init__(self, parts: Parts, file_bytes: int) -> None:
        self.parts = parts
        self.file_bytes = file_bytes
        self.segment: MultipartSegment | None = None
        self.file: UploadFile | None = None
        self.kept = 0
        self.text = bytearray()
        self.typed = 0

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self.segment, self.kept, self.text = event, 0, bytearray()
            self.file = _file(event) if event.filename else None
        elif event:
            await self._write(bytes(event))
        elif self.segment is not None:
            await self._end(self.segment)

    async def _write(self, content: bytes) -> None:
        if self.file is not None:
            content = content[: self.file_bytes + 1 - self.kept]
            await self.file.write(content)
            self.kept += len(content)
            return
        self.typed += len(content)
        if self.typed > MAX_BODY_BYTES:
            raise _too_large()
        self.text += content

    async def _end(self, segment: MultipartSegment) -> None:
        if self.file is not None:
            await self.file.seek(0)
            self.parts.append((segment.name, self.file))
        else:
            self.parts.append((segment.name, self.text.decode(segment.charset or "utf-8")))
        self.segment, self.file = None, None


def _file(segment: MultipartSegment) -> UploadFile:
    return UploadFile(segment.content_type or "text/plain", segment.filename or "", headers=dict(segment.headerlist))


def _too_large() -> ClientException:
    return ClientException(status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE)
