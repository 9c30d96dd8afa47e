"""Files that rows speak of: there, and the bytes that were written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from app.verify.rule import Comparison, Example, Outside
from kernel.storage import ObjectMissing, Storage


def _changed_documents(rows: Sequence[Example], outside: Outside) -> Iterator[Example]:
    if outside.storage is None:
        return
    for row in rows:
        found = _sha256(outside.storage, row["key"])
        if found != row["sha256"]:
            yield {**row, "found": found or "missing"}


def _missing_media(rows: Sequence[Example], outside: Outside) -> Iterator[Example]:
    if outside.storage is None:
        return
    for row in rows:
        try:
            size = outside.storage.head(row["key"]).size_bytes
        except ObjectMissing:
            yield {**row, "found": "missing"}
            continue
        if row["bytes"] not in {None, size}:
            yield {**row, "found": size}


def _sha256(storage: Storage, key: str) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in storage.stream(key):
            digest.update(chunk)
    except ObjectMissing:
        return None
    return digest.hexdigest()


DOCUMENTS = Comparison(
    "documents.unchanged",
    "每张单据的 PDF 与 XML 文件都在，且字节与开具时一致。",
    "The files of every document are there, byte for byte as they were issued.",
    """
    SELECT id AS invoice_id, pdf_key AS key, pdf_sha256 AS sha256 FROM billing.invoice WHERE pdf_key IS NOT NULL
    UNION ALL
    SELECT id, xml_key, xml_sha256 FROM billing.invoice WHERE xml_key IS NOT NULL
    UNION ALL
    SELECT id, file_key, file_sha256 FROM orders.sale_paper WHERE file_key IS NOT NULL
    """,
    _changed_documents,
)
MEDIA = Comparison(
    "media.stored",
    "可播放视频的媒体、封面与字幕文件都在，大小一致。",
    "The media, cover and captions of every playable video are stored, with their size.",
    """
    SELECT id AS video_id, media_key AS key, media_bytes AS bytes FROM marketplace.video
    WHERE state IN ('ready', 'published', 'withdrawn')
    UNION ALL
    SELECT id, cover_key, NULL FROM marketplace.video
    WHERE state IN ('ready', 'published', 'withdrawn') AND cover_key IS NOT NULL
    UNION ALL
    SELECT id, 'media/' || id || '/' || sha256 || '.vtt', NULL
    FROM marketplace.video, jsonb_each_text(captions) AS kept(language, sha256)
    """,
    _missing_media,
)
DELIVERED = Comparison(
    "milestones.files",
    "里程碑的每个交付文件都在，且字节与上传时一致。",
    "Every file of a milestone is there, byte for byte as it was uploaded.",
    "SELECT id AS file_id, file_key AS key, sha256 FROM orders.milestone_file",
    _changed_documents,
)

SENT = Comparison(
    "conversations.files",
    "对话与工单中发送的每个文件都在，且字节与发送时一致。",
    "Every file that was sent in a conversation or on a ticket is there, byte for byte as it was sent.",
    """
    SELECT id AS message_id, file_key AS key, sha256 FROM orders.conversation_message WHERE file_key IS NOT NULL
    UNION ALL
    SELECT id, file_key, sha256 FROM orders.ticket_message WHERE file_key IS NOT NULL
    """,
    _changed_documents,
)

COMPARISONS = (DOCUMENTS, MEDIA, DELIVERED, SENT)
