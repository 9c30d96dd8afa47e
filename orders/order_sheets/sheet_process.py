"""The child side of `read_sheet` and `read_dealers`: opens a stranger's file, under limits, and answers with its lines."""

from __future__ import annotations

import sys

import msgspec

if sys.platform != "win32":
    import resource

from kernel.errors import DomainError, Invalid
from kernel.isolation import done, forbid, limit, refused
from orders.order_sheets.parse_dealers import DEALERS, parse_dealers
from orders.order_sheets.parse_sheet import parse_sheet

_MEMORY_BYTES = 1 << 30
_SECONDS = 20
_FILE_BYTES = 1 << 16
"""It writes no file; its answer goes through a pipe."""


def main() -> None:
    """Read the file from standard input: an order sheet, or a list of dealers where that is asked for."""
    limit(file_bytes=_FILE_BYTES, address_bytes=_MEMORY_BYTES)
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    forbid("reader of order sheets")
    try:
        parse = parse_dealers if sys.argv[1:] == [DEALERS] else parse_sheet
        answer = done(msgspec.json.encode(parse(sys.stdin.buffer.read())))
    except DomainError as refusal:
        answer = refused(refusal)
    except MemoryError:
        answer = refused(Invalid("order_sheet_unreadable", field="file"))
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
