"""Papers of a purchase that are no invoices, to be downloaded in the language of one's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PaperLink:
    """A paper in one language: ``ready`` to be downloaded, being drawn (``drawing``), or to be asked for (``ask``)."""

    language: str
    address: str
    state: Literal["ready", "drawing", "ask"]


@dataclass(frozen=True, slots=True)
class SalePaperView:
    """One paper. ``kind`` is ``receipt`` or ``pro_forma``; ``links`` are empty where there is none, and ``error`` says why."""

    template: ClassVar[str] = "sale_papers/papers.html"
    active: ClassVar[str] = "orders"

    kind: Literal["receipt", "pro_forma", "statement"]
    amount: Money | None
    back_address: str
    links: tuple[PaperLink, ...] = ()
    error: str = ""

    @property
    def waits(self) -> bool:
        """Whether one of them is being drawn."""
        return any(one.state == "drawing" for one in self.links)
