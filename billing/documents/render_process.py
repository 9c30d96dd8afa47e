"""The child side of `isolated`: reads documents from standard input, answers with PDF files, under limits."""

from __future__ import annotations

import math
import os
import pickle
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from billing.documents.renderer import render_pdf
from billing.documents.subprocess_renderer import FRAME, JOB
from kernel.errors import DomainError

NICE = 10
"""A tenth of what a process of usual priority gets: with less, documents would never be drawn while a market is busy."""
_MEMORY_BYTES: Final = 1 << 30
_FILE_BYTES: Final = 64 << 20
# A second beyond what the parent waits: the parent's answer should be a time-out, not a dead child.
_GRACE_S: Final = 1
_FORBIDDEN_EVENTS: Final = frozenset(
    [
        *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.Request"),
        *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn"),
    ]
)
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Render until the parent closes its end."""
    while header := requests.read(JOB.size):
        timeout_s, length = JOB.unpack(header)
        # From our own parent's memory; no other program can write to this pipe.
        document = pickle.loads(requests.read(length))  # noqa: S301
        _allow_processor_time(timeout_s)
        try:
            succeeded, answer = True, render_pdf(document)
        except DomainError as refusal:
            succeeded, answer = False, pickle.dumps(refusal)
        answers.write(FRAME.pack(succeeded, len(answer)) + answer)
        answers.flush()


def _give_way() -> None:
    """Let others go first: a drawn invoice may wait a little, a checkout may not."""
    os.nice(NICE)
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # Where the kernel groups processes by session, niceness counts inside the group only, and the group has its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    # Data, not address space: mapping the font costs address space only.
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))


def _allow_processor_time(timeout_s: float) -> None:
    """Move the soft limit ahead of what this process has used so far, for one more document."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(used.ru_utime + used.ru_stime + timeout_s) + _GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _forbid() -> None:
    """From here on no connection, no program, and no file written outside the temporary folder (the font's cut)."""
    writable = os.path.realpath(tempfile.gettempdir()) + os.sep

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN_EVENTS:
            raise PermissionError(f"a renderer does not do {event}")
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITE_FLAGS:
            path = arguments[0]
            if isinstance(path, str) and not os.path.realpath(path).startswith(writable):
                raise PermissionError("a renderer writes no files")

    sys.addaudithook(refuse)


def main() -> None:
    """Serve the parent over standard input and output."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not land between two answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _give_way()
    _limit()
    _forbid()
    serve(requests, answers)


if __name__ == "__main__":
    main()
