"""Memory in large pages for a process that has become busy.

A Python process touches a little of very much memory with every request. In pages of 4 KiB each touch asks the processor to
look up where the page is, and on virtual machines that look-up is itself one through the host's tables: a tenth of the time
of a checkout. Linux gathers what a process holds into pages of 2 MiB where it is asked to (`MADV_COLLAPSE`, Linux 6.1).
It costs memory (pages shared with the parent become the process's own), so that only a process asks for it that is busy.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PAGE = 2 << 20
"""Bytes of a large page on x86-64, and on arm64 with pages of 4 KiB."""
MADV_COLLAPSE = 25
LOOKS_EVERY_S = 10.0
BUSY = 0.2
"""Of one core, from one look to the next."""


def gather_when_busy() -> None:
    """Begin to look whether this process is busy; once it is, gather its memory and look no more. Nothing where Linux cannot."""
    if sys.platform == "linux":
        threading.Thread(target=_watch, name="huge-pages", daemon=True).start()


def _watch() -> None:
    used_s = time.process_time()
    while True:
        time.sleep(LOOKS_EVERY_S)
        before_s, used_s = used_s, time.process_time()
        if used_s - before_s > BUSY * LOOKS_EVERY_S:
            log.info("memory_gathered", pages=gather())
            return


def gather() -> int:
    """Gather this process's own memory into large pages; how many there are now. What cannot be gathered stays as it is."""
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    count = 0
    for start, end in _own_memory():
        for at in range(-(-start // PAGE) * PAGE, end - PAGE + 1, PAGE):
            count += libc.madvise(at, PAGE, MADV_COLLAPSE) == 0
            # The next page fault of another thread waits for no more than one page's copy.
            time.sleep(0)
    return count


def _own_memory() -> list[tuple[int, int]]:
    """Where this process's anonymous, writable memory is (proc(5), `maps`)."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, _, _, _, *name = line.split(maxsplit=5)
        if rights.startswith("rw") and (not name or name[0] == "[heap]"):
            start, end = place.split("-")
            found.append((int(start, 16), int(end, 16)))
    return found
