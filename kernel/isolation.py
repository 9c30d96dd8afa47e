"""Work on strangers' content in a process of its own: what that process may do, and how its answer is read.

The child is confined because whatever it reads may take it over. So its answer is a stranger's, too: a frame of bounded
length that is bytes, or a refusal in JSON that names one of our own errors; never an object that is built by being read.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import tempfile
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kernel.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, TooMany, Unavailable

if sys.platform != "win32":
    import resource

_HEADER: Final = struct.Struct(">cQ")
"""Of an answer: whether it is what was asked for or a refusal, and the length of what follows."""
_DONE, _REFUSED = b"D", b"R"
_MOST_REFUSAL_BYTES: Final = 1 << 16
_ERRORS: Final = {
    kind.__name__: kind for kind in (DomainError, Conflict, Forbidden, Gone, Invalid, NotFound, TooMany, Unavailable)
}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_FORBIDDEN_EVENTS: Final = frozenset(
    [
        *("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.Request"),
        *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn"),
    ]
)
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Malformed(Exception):
    """The child said what no child of ours says: it is not itself any more."""


class _Refusal(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    code: str
    field: str | None
    params: dict[str, str | int | float | bool | None]


def done(answer: bytes) -> bytes:
    """The frame of an answer."""
    return _HEADER.pack(_DONE, len(answer)) + answer


def refused(error: DomainError) -> bytes:
    """The frame of a refusal."""
    params = {name: value if _is_plain(value) else str(value) for name, value in error.params.items()}
    field = error.field if isinstance(error, Invalid) else None
    known = type(error).__name__ if type(error).__name__ in _ERRORS else DomainError.__name__
    content = msgspec.json.encode({"kind": known, "code": error.code, "field": field, "params": params})
    return _HEADER.pack(_REFUSED, len(content)) + content


def read_answer(receive: Callable[[int], bytes], *, most_bytes: int) -> bytes:
    """Read one frame by `receive`, which gives exactly as many bytes as it is asked for. Returns the answer.

    Raises:
        DomainError: the child refused.
        Malformed: it is no frame of ours, or longer than `most_bytes`; nothing that long was read.
    """
    kind, length = _HEADER.unpack(receive(_HEADER.size))
    if kind == _DONE and length <= most_bytes:
        return receive(length)
    if kind == _REFUSED and length <= _MOST_REFUSAL_BYTES:
        raise _refusal(receive(length))
    raise Malformed(f"{kind!r} of {length} bytes")


def _refusal(content: bytes) -> DomainError:
    try:
        said = msgspec.json.decode(content, type=_Refusal)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed("no refusal of ours") from error
    kind = _ERRORS.get(said.kind)
    names = [said.code, *said.params, *([said.field] if said.field is not None else [])]
    if kind is None or not all(map(_NAME.fullmatch, names)) or "field" in said.params:
        raise Malformed("no refusal of ours")
    params: dict[str, Any] = dict(said.params)
    if said.field is None:
        return kind(said.code, **params)
    if kind is not Invalid:
        raise Malformed("no refusal of ours")
    return Invalid(said.code, field=said.field, **params)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def child_environment() -> dict[str, str]:
    """What a child needs of our environment, and none of our secrets."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


def limit(*, file_bytes: int, data_bytes: int | None = None, address_bytes: int | None = None) -> None:
    """Bound this process's files and memory for good. Windows has only the parent's deadline.

    `data_bytes` leaves out what is only mapped, as a typeface; `address_bytes` counts everything.
    """
    if sys.platform != "win32":
        bounds = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: file_bytes,
            resource.RLIMIT_DATA: data_bytes,
            resource.RLIMIT_AS: address_bytes,
        }
        for kind, bound in bounds.items():
            if bound is not None:
                resource.setrlimit(kind, (bound, bound))


def forbid(who: str) -> None:
    """From here on no connection, no program, and no file written by Python outside the temporary folder."""
    writable = os.path.realpath(tempfile.gettempdir()) + os.sep

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN_EVENTS:
            raise PermissionError(f"a {who} does not do {event}")
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITE_FLAGS:
            path = arguments[0]
            if isinstance(path, str) and not os.path.realpath(path).startswith(writable):
                raise PermissionError(f"a {who} writes no files")

    sys.addaudithook(refuse)
