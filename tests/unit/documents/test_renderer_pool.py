"""However many documents are asked for at once, no more are drawn than there are cores, and one alone needs one child."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from billing.documents.renderer import Document
from billing.documents.renderer_pool import RendererPool, usable_cores
from billing.documents.subprocess_renderer import SubprocessRenderer
from kernel.errors import Unavailable
from tests.sample_documents import chinese_invoice


class Drawing:
    """Counts what is drawn side by side."""

    made: list[Drawing]

    def __init__(self) -> None:
        self.made.append(self)

    def render(self, document: Document, timeout_s: float) -> bytes:
        if timeout_s == 0:
            raise Unavailable("document_render_timeout", number=document.number, timeout_s=timeout_s)
        self.meeting.wait(timeout_s)
        return document.number.encode()

    meeting: threading.Barrier


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RendererPool:
    monkeypatch.setattr(Drawing, "made", [], raising=False)
    monkeypatch.setattr(Drawing, "meeting", threading.Barrier(2), raising=False)
    return RendererPool(2, make=lambda: cast("SubprocessRenderer", Drawing()))


def test_as_many_draw_side_by_side_as_there_is_room_for(pool: RendererPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        # The barrier opens for two at a time: fewer would wait for ever.
        drawn = list(threads.map(lambda _: pool.render(chinese_invoice(), 30), range(8)))
    assert drawn == [chinese_invoice().number.encode()] * 8
    assert len(Drawing.made) == 2


def test_one_after_another_they_are_drawn_by_one(pool: RendererPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawing, "meeting", threading.Barrier(1))
    for _ in range(5):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(pool.render, chinese_invoice(), 30).result()
    assert len(Drawing.made) == 1


def test_a_failure_gives_its_place_back(pool: RendererPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawing, "meeting", threading.Barrier(1))
    for _ in range(3):
        with pytest.raises(Unavailable):
            pool.render(chinese_invoice(), 0)
    assert pool.render(chinese_invoice(), 30)


def test_there_is_a_core_to_draw_with() -> None:
    assert usable_cores() >= 1
