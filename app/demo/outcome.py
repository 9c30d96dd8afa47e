"""What the demo tells: steps with their evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class StepFailed(Exception):
    """A step is not as it should be; `evidence` shows what was found instead."""

    def __init__(self, what: str, evidence: dict[str, Any]) -> None:
        super().__init__(what)
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step as it went."""

    name: str
    ok: bool
    ms: int
    evidence: dict[str, Any]


@dataclass(slots=True)
class DemoReport:
    """The whole demo."""

    steps: list[DemoStep] = field(default_factory=list)
    invoice_pdf: str | None = None
    credit_note_pdf: str | None = None
    trace: dict[str, Any] | None = None
    seconds: int = 0

    @property
    def ok(self) -> bool:
        """Whether every step was as it should be."""
        return bool(self.steps) and all(step.ok for step in self.steps)
