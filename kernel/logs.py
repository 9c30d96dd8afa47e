"""Structured logs: one event a line, with the ids that tie it to a request, an organization and an order.

Everything, other libraries' entries included, passes one redaction: values under telling names and texts of a telling
shape (keys, tokens, signatures, addresses of people, card numbers) are replaced before anything is written.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor

REDACTED: Final = "[redacted]"

_SECRET_NAMES: Final = re.compile(
    r"(^|[_-])(secret|secrets|password|passwd|passphrase|token|tokens|authorization|cookie|cookies|signature|signatures"
    r"|api[_-]?key|private[_-]?key|access[_-]?key|credential|credentials|session[_-]?id|csrf|otp|code[_-]?verifier)"
    r"($|[_-](key|value|header|hash|text)$)",
    re.IGNORECASE,
)
_PERSONAL_NAMES: Final = re.compile(
    r"(^|[_-])(e?mail|email[_-]address|phone|mobile|id[_-]card|passport|bank[_-]account|account[_-]number|iban|card[_-]number"
    r"|pan|cvc|cvv|full[_-]name|display[_-]name|person[_-]name|recipient|street|ip|ip[_-]address|client[_-]ip)$",
    re.IGNORECASE,
)
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]+"), REDACTED),
    (re.compile(r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]+"), REDACTED),
    (re.compile(r"\b[a-z][a-z0-9]{0,15}_[0-9a-f]{16}\.[A-Za-z0-9_-]{43}"), REDACTED),
    (re.compile(r"\bcm1\.[a-z0-9-]{1,32}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"\$argon2[a-z]*\$[^\s\"']+"), REDACTED),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\bv1a?,[A-Za-z0-9+/=]{40,}"), REDACTED),
    # JSON Web Tokens and our own signed link tokens: base64 of '{"', then one or two more parts.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){1,2}"), REDACTED),
    (re.compile(r"://[^/\s:@]*:[^/\s@]+@"), f"://{REDACTED}@"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), REDACTED),
    (re.compile(r"(?<![\w-])(?:\+?86[ -]?)?1[3-9]\d{9}(?![\w-])"), REDACTED),
    (re.compile(r"(?<![\w-])\d{17}[\dXx](?![\w-])"), REDACTED),
)
_CARD_LIKE: Final = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_MAX_DEPTH: Final = 8


def configure_logs(
    log_format: Literal["console", "json"] = "console",
    level: Literal["debug", "info", "warning", "error"] = "info",
    *,
    process: str = "",
    stream: TextIO | None = None,
) -> None:
    """Send every log entry of this process, structlog's and the standard library's, redacted to one stream.

    ``process`` names the kind of process (api, worker, …). Calling again replaces the earlier configuration.
    """
    renderer: Processor
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_process(process),
        structlog.processors.StackInfoRenderer(),
        # Formatted here, without local variables, so that a traceback is text that redaction can read.
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_entry, renderer],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # These write each statement, request or header at a level that a person may switch on for something else.
    for name in ("httpx", "httpcore", "stripe", "urllib3"):
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact_entry(_logger: object, _method: str, entry: EventDict) -> EventDict:
    """The structlog processor that applies :func:`redact` to a whole entry."""
    redacted: MutableMapping[str, Any] = redact(entry)
    return redacted


def redact(value: Any, *, depth: int = 0) -> Any:
    """A copy of ``value`` fit for logs and stored excerpts: secrets and personal data replaced, to any depth of 8."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float | UUID):
        return value
    if depth >= _MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if _is_telling(str(name)) and item not in (None, "") else redact(item, depth=depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth=depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return redact_text(str(value))


def redact_text(text: str) -> str:
    """Replace what looks like a secret or like a person inside free text."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return _CARD_LIKE.sub(_hide_card, text)


def _is_telling(name: str) -> bool:
    return bool(_SECRET_NAMES.search(name) or _PERSONAL_NAMES.search(name))


def _hide_card(match: re.Match[str]) -> str:
    digits = [int(character) for character in match[0] if character.isdigit()]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    # ISO/IEC 7812-1 check digit: order numbers and times in milliseconds mostly fail it and stay readable.
    return REDACTED if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]


def _name_process(process: str) -> Processor:
    def name(_logger: object, _method: str, entry: EventDict) -> EventDict:
        if process:
            entry["process"] = process
        return entry

    return name
