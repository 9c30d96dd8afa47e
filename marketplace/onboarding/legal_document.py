"""What a legal document may be: a PDF, a JPEG or a PNG, known by its bytes and whole.

Nothing is decoded here: whoever reviews opens the file, in a program of their own. What is refused is what nobody could
review: another kind of file, one that was cut off on its way, one that asks for a password.
"""

from __future__ import annotations

from kernel.errors import Invalid

MAX_BYTES = 10_000_000
"""10 MB: a scan of several pages."""
_TAIL_BYTES = 2048
_PNG = b"\x89PNG\r\n\x1a\n"


def checked_media_type(content: bytes) -> str:
    """What the document is. Raises Invalid(`legal_document_empty`, `_too_large`, `_kind_unknown`, `_cut_off`, `_locked`)."""
    if not content:
        raise Invalid("legal_document_empty", field="file")
    if len(content) > MAX_BYTES:
        raise Invalid("legal_document_too_large", field="file", limit_mb=MAX_BYTES // 1_000_000)
    tail = content[-_TAIL_BYTES:].rstrip(b"\0\r\n \t")
    if content[:1024].lstrip().startswith(b"%PDF-"):
        # ISO 32000-2 §7.5.5: the file ends with the marker; a trailer that names /Encrypt asks for a password.
        _require_end(b"%%EOF" in tail)
        if b"/Encrypt" in content:
            raise Invalid("legal_document_locked", field="file")
        return "application/pdf"
    if content.startswith(_PNG):
        # PNG §5.6: IHDR comes first and IEND last.
        _require_end(content[12:16] == b"IHDR" and b"IEND" in tail[-12:])
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        # JPEG (ITU-T T.81 §B.1.1.3): EOI ends the image; cameras append their own data behind it.
        _require_end(content.rfind(b"\xff\xd9") > len(content) // 2)
        return "image/jpeg"
    raise Invalid("legal_document_kind_unknown", field="file")


def _require_end(is_whole: bool) -> None:  # noqa: FBT001 - the one thing that is asked
    if not is_whole:
        raise Invalid("legal_document_cut_off", field="file")
