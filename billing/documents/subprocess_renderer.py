"""Rendering at arm's length: a child process with limits draws, the parent waits so long and no longer.

A document is made of other people's words. Should one of them make the layout run away, it takes its own process along
and nothing else: the child has limits on processor time and memory, may not open a connection, start a program or write
a file other than its cut of the font, and is killed when its time is over.
"""

from __future__ import annotations

import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from billing.documents.buyer_statement import BuyerStatementDocument
from billing.documents.fapiao import FapiaoDocument
from billing.documents.model import InvoiceDocument
from billing.documents.offer import OfferDocument
from billing.documents.pro_forma import ProFormaDocument
from billing.documents.receipt import ReceiptDocument
from billing.documents.renderer import Document
from billing.documents.statement import StatementDocument
from billing.documents.transfer import TransferDocument
from kernel.errors import Unavailable
from kernel.isolation import Malformed, child_environment, read_answer

KINDS: Final[dict[bytes, type[Document]]] = {
    b"I": InvoiceDocument,
    b"S": StatementDocument,
    b"O": OfferDocument,
    b"T": TransferDocument,
    b"F": FapiaoDocument,
    b"R": ReceiptDocument,
    b"P": ProFormaDocument,
    b"B": BuyerStatementDocument,
}
JOB: Final = struct.Struct(">cdQ")
"""Header of a job: the document's kind, seconds allowed, and the length of the document as JSON."""
MOST_PDF_BYTES: Final = 64 << 20
IDLE_S: Final = 60.0
"""How long the child waits for another document: starting anew costs a second, resting some 70 MiB."""
NICENESS: Final = 10
"""A tenth of what a process of usual priority gets: with less, documents would never be drawn while a market is busy."""
_CHUNK: Final = 1 << 16
_ROOT: Final = Path(__file__).resolve().parents[2]


class SubprocessRenderer:
    """A child process that renders one document after another; replaced when it had to be killed.

    It ends after `idle_s` without a document, since a layout engine and its fonts fill a lot of memory. Not shared between
    threads: one renderer belongs to one worker. Use as a context manager, or call `close`.
    """

    def __init__(self, *, idle_s: float = IDLE_S, niceness: int = NICENESS) -> None:
        self._idle_s = idle_s
        self._niceness = niceness
        self._child: subprocess.Popen[bytes] | None = None
        self._in_use = threading.RLock()
        self._rest: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def render(self, document: Document, timeout_s: float) -> bytes:
        """Draw a document as `renderer.render_pdf` does, in at most `timeout_s` seconds of waiting.

        Raises:
            Unavailable: `document_render_timeout` after killing the child; `document_render_failed` when the child died
                (a limit was reached) or spoke no more as one of ours; `renderer_unavailable` without Pango.
            DomainError: whatever `render_pdf` raised, unchanged.
        """
        with self._in_use:
            self._stop_timer()
            try:
                return self._render(document, timeout_s)
            finally:
                self._rest = threading.Timer(self._idle_s, self._close_unless_used)
                self._rest.daemon = True
                self._rest.start()

    def close(self) -> None:
        """End the child, if there is one; safe to call twice."""
        with self._in_use:
            self._stop_timer()
            self._end_child()

    def _render(self, document: Document, timeout_s: float) -> bytes:
        child = self._running()
        deadline = time.monotonic() + timeout_s
        job = msgspec.json.encode(document)
        kind = next(kind for kind, of in KINDS.items() if isinstance(document, of))
        try:
            self._send(child, JOB.pack(kind, timeout_s, len(job)) + job, deadline)
            return read_answer(lambda length: self._receive(child, length, deadline), most_bytes=MOST_PDF_BYTES)
        except TimeoutError as error:
            self._end_child()
            raise Unavailable("document_render_timeout", number=document.number, timeout_s=timeout_s) from error
        except (EOFError, BrokenPipeError, Malformed) as error:
            self._end_child()
            raise Unavailable("document_render_failed", number=document.number) from error

    def _stop_timer(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _close_unless_used(self) -> None:
        """The timer's work. A document that came in between has stopped the timer and put another in its place."""
        with self._in_use:
            if self._rest is threading.current_thread():
                self.close()

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end_child()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "billing.documents.render_process", str(self._niceness)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=_ROOT,
                env=child_environment(),
                start_new_session=True,
            )
            for pipe in (self._child.stdin, self._child.stdout):
                os.set_blocking(_opened(pipe).fileno(), False)
        return self._child

    @staticmethod
    def _send(child: subprocess.Popen[bytes], message: bytes, deadline: float) -> None:
        descriptor = _opened(child.stdin).fileno()
        rest = memoryview(message)
        while rest:
            _wait(descriptor, selectors.EVENT_WRITE, deadline)
            rest = rest[os.write(descriptor, rest[:_CHUNK]) :]

    @staticmethod
    def _receive(child: subprocess.Popen[bytes], length: int, deadline: float) -> bytes:
        descriptor = _opened(child.stdout).fileno()
        received = bytearray()
        while len(received) < length:
            _wait(descriptor, selectors.EVENT_READ, deadline)
            chunk = os.read(descriptor, min(_CHUNK, length - len(received)))
            if not chunk:
                raise EOFError
            received += chunk
        return bytes(received)


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


def _wait(descriptor: int, event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(deadline - time.monotonic(), 0)):
            raise TimeoutError
