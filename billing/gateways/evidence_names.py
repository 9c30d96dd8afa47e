"""What a document is called where its name has to travel in a multipart header."""

from __future__ import annotations


def ascii_file_name(name: str, media_type: str) -> str:
    """An ASCII name with the ending that its content has: multipart headers take no other everywhere."""
    stem = "".join(c for c in name.rsplit(".", 1)[0] if c.isascii() and (c.isalnum() or c in "-_"))[:60] or "document"
    return stem + {"application/pdf": ".pdf", "image/png": ".png"}.get(media_type, ".jpg")
