"""The child side of `isolated`: reads documents from standard input, answers with PDF files, under limits."""

from __future__ import annotations

import math
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from billing.documents.renderer import Document, render_pdf
from billing.documents.subprocess_renderer import JOB, KINDS, MOST_PDF_BYTES
from kernel.errors import DomainError
from kernel.isolation import done, forbid, limit, refused

_MEMORY_BYTES: Final = 1 << 30
# A second beyond what the parent waits: the parent's answer should be a time-out, not a dead child.
_GRACE_S: Final = 1


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Render until the parent closes its end."""
    while header := requests.read(JOB.size):
        kind, timeout_s, length = JOB.unpack(header)
        document: Document = msgspec.json.decode(requests.read(length), type=KINDS[kind])
        _allow_processor_time(timeout_s)
        try:
            answer = done(render_pdf(document))
        except DomainError as refusal:
            answer = refused(refusal)
        answers.write(answer)
        answers.flush()


def _give_way(niceness: int) -> None:
    """Let others go first: a drawn invoice may wait a little, a checkout may not."""
    os.nice(niceness)
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    # Where the kernel groups processes by session, niceness counts inside the group only, and the group has its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


def _allow_processor_time(timeout_s: float) -> None:
    """Move the soft limit ahead of what this process has used so far, for one more document."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(used.ru_utime + used.ru_stime + timeout_s) + _GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main(niceness: int) -> None:
    """Serve the parent over standard input and output; with a niceness above 0, when nobody else has work."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not land between two answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if niceness:
        _give_way(niceness)
    # Data, not address space: mapping the font costs address space only.
    limit(file_bytes=MOST_PDF_BYTES, data_bytes=_MEMORY_BYTES)
    # What is written is the cut of the font, in the temporary folder.
    forbid("renderer")
    serve(requests, answers)


if __name__ == "__main__":
    main(int(sys.argv[1]))
