"""How this vendor behaves and misbehaves. Kept in the store, so that a restart does not change it."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

MODES = ("sync", "async", "fail_permanently")


@dataclass(frozen=True)
class Behaviour:
    """Settings of one vendor; times in milliseconds.

    ``mode``: answer 200 with the result, 202 and call back, or refuse for good (422).
    ``fail_times``: answer ``fail_status`` to the first N deliveries of each run, with no effect.
    ``lose_answers``: do the work and drop the connection without an answer, for the first N deliveries of each run.
    ``slow_ms``: wait before answering. ``late_ms``: wait before an asynchronous run finishes.
    ``progress_steps``: progress callbacks, ``step_ms`` apart. ``duplicate_callbacks``: send each twice.
    ``reorder_callbacks``: send the result before the progress. ``drop_callbacks``: never call back.
    ``outcome``: how an asynchronous run ends, ``succeeded`` or ``failed`` (then ``outcome_retryable`` goes along).
    """

    mode: str = "sync"
    fail_times: int = 0
    fail_status: int = 503
    retry_after_s: int = 0
    lose_answers: int = 0
    slow_ms: int = 0
    late_ms: int = 0
    progress_steps: int = 3
    step_ms: int = 100
    duplicate_callbacks: bool = False
    reorder_callbacks: bool = False
    drop_callbacks: bool = False
    outcome: str = "succeeded"
    outcome_retryable: bool = False

    def changed(self, values: dict[str, Any]) -> Self:
        """A copy with some values replaced. Raises ValueError for an unknown name, a wrong type or a bad value."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"unknown behaviour: {name}")
            if type(value) is not kinds[name]:
                raise ValueError(f"{name} must be {kinds[name].__name__}")
            if kinds[name] is int and not 0 <= value <= 3_600_000:
                raise ValueError(f"{name} is out of range")
        after = replace(self, **values)
        if after.mode not in MODES or after.outcome not in ("succeeded", "failed"):
            raise ValueError("unknown mode or outcome")
        if not 400 <= after.fail_status <= 599:
            raise ValueError("fail_status must be 400 to 599")
        return after

    def as_dict(self) -> dict[str, Any]:
        """All values by name."""
        return asdict(self)
