"""Reading a sheet at arm's length: a child process with limits opens the file, the parent waits so long and no longer."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from kernel.errors import Invalid, TooLarge
from kernel.isolation import Malformed, child_environment, read_answer
from orders.order_sheets.sheet_rows import MOST_BYTES, SheetRow

_ROOT: Final = Path(__file__).resolve().parents[2]
_TIMEOUT_S: Final = 30
_MOST_ANSWER: Final = 32 << 20
R = TypeVar("R")
"""A line of whatever the file is."""


def read_sheet(content: bytes) -> list[SheetRow]:
    """The lines of a file, or of what was pasted. Called while no transaction is open.

    Raises: TooLarge `order_sheet_too_large`; Invalid as `parse_sheet`, `order_sheet_unreadable` where its reader reached a limit.
    """
    return read_lines(content, SheetRow)


def read_lines(content: bytes, kind: type[R], *what: str) -> list[R]:
    """The lines of a file as `kind`; `what`: as which the process reads it. Raises as `read_sheet`."""
    if len(content) > MOST_BYTES:
        raise TooLarge("order_sheet_too_large", most_mb=MOST_BYTES // 1_000_000)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "orders.order_sheets.sheet_process", *what],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=child_environment(),
            timeout=_TIMEOUT_S,
            check=False,
        )
        said = io.BytesIO(done.stdout)

        def receive(length: int) -> bytes:
            found = said.read(length)
            if len(found) < length:
                raise EOFError
            return found

        return msgspec.json.decode(read_answer(receive, most_bytes=_MOST_ANSWER), type=list[kind])  # type: ignore[valid-type]  # as it is at run time
    except (subprocess.TimeoutExpired, EOFError, Malformed, msgspec.MsgspecError) as error:
        raise Invalid("order_sheet_unreadable", field="file") from error
