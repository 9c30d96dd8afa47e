"""A connector's test, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from api.pages.connectors.views import TestStep
from api.pages.frame.codes import in_words
from api.pages.frame.site import PageRequest
from fulfillment.connectors.views import ConnectorView, TranscriptStep

TEST_STEPS = ("message", "repetition", "forgery")


def test_steps(
    page_request: PageRequest, connector: ConnectorView, transcript: Sequence[TranscriptStep]
) -> tuple[TestStep, ...]:
    """The three calls of the test; those after a failure were not made. Nothing where nothing is called."""
    if connector.url is None:
        return ()
    if connector.test in {"untested", "running"}:
        return tuple(TestStep(key, "live" if connector.test == "running" else "todo") for key in TEST_STEPS)
    made = {step.step: step for step in transcript}
    return tuple(_test_step(page_request, key, made.get(key)) for key in TEST_STEPS)


def _test_step(page_request: PageRequest, key: str, made: TranscriptStep | None) -> TestStep:
    if made is None:
        return TestStep(key, "todo")
    failure = in_words(page_request.language, made.failure) if made.failure else ""
    seen = made.status, made.elapsed_ms, made.sent, made.answered, failure
    return TestStep(key, "failed" if failure else "done", *seen)
