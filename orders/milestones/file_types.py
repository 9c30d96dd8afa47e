"""What a delivered file may be: documents, pictures, archives and text, known by their bytes as well as by their name.

Nothing is decoded here: whoever accepts opens the file, in a program of their own. What is refused is what is not what its name
says, and what a program would run.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from kernel.errors import Invalid

MAX_BYTES = 20_000_000
"""20 MB: a report with its pictures, an archive of sources."""
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIP = b"PK\x03\x04"
_KINDS: dict[str, tuple[str, bytes]] = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "zip": ("application/zip", _ZIP),
    "docx": (f"{_OFFICE}.wordprocessingml.document", _ZIP),
    "xlsx": (f"{_OFFICE}.spreadsheetml.sheet", _ZIP),
    "pptx": (f"{_OFFICE}.presentationml.presentation", _ZIP),
    "txt": ("text/plain", b""),
    "csv": ("text/csv", b""),
    "md": ("text/markdown", b""),
}
"""By ending: media type, and how the bytes begin; text is any that is UTF-8."""
ENDINGS = tuple(_KINDS)


def checked_media_type(file_name: str, content: bytes) -> str:
    """What the file is. Raises Invalid(`milestone_file_empty`, `_too_large`, `_kind_unknown`, `_not_as_named`)."""
    if not content:
        raise Invalid("milestone_file_empty", field="file")
    if len(content) > MAX_BYTES:
        raise Invalid("milestone_file_too_large", field="file", limit_mb=MAX_BYTES // 1_000_000)
    ending = PurePosixPath(file_name).suffix.removeprefix(".").lower()
    if ending not in _KINDS:
        raise Invalid("milestone_file_kind_unknown", field="file", kinds=", ".join(ENDINGS))
    media_type, start = _KINDS[ending]
    if not content.startswith(start) or (not start and not _is_text(content)):
        raise Invalid("milestone_file_not_as_named", field="file", kind=ending)
    return media_type


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
