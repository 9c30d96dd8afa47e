"""What a confined child answers is a stranger's word: read in bounds, and never run."""

from __future__ import annotations

import io
import json
import pickle
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kernel.errors import Conflict, DomainError, Forbidden, Gone, Invalid, NotFound, TooMany, Unavailable
from kernel.isolation import Malformed, done, read_answer, refused

MOST = 4096
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in {"field", "code"})


class Pipe:
    """Gives what is asked for, as a pipe does, and remembers the most that anybody asked for."""

    def __init__(self, content: bytes) -> None:
        self.rest = io.BytesIO(content)
        self.asked = 0

    def receive(self, length: int) -> bytes:
        self.asked = max(self.asked, length)
        found = self.rest.read(length)
        if len(found) < length:
            raise EOFError
        return found


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return exec, ("raise AssertionError('unpickled')",)


def frame(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">cQ", kind, len(content)) + content


@given(st.binary(max_size=MOST))
def test_an_answer_comes_as_it_was_sent(content: bytes) -> None:
    assert read_answer(Pipe(done(content)).receive, most_bytes=MOST) == content


@given(
    st.sampled_from([Conflict, DomainError, Forbidden, Gone, NotFound, TooMany, Unavailable, Invalid]),
    NAMES,
    st.dictionaries(NAMES, PLAIN, max_size=4),
)
def test_a_refusal_comes_as_it_was_raised(kind: type[DomainError], code: str, params: dict[str, object]) -> None:
    with pytest.raises(DomainError) as caught:
        read_answer(Pipe(refused(kind(code, **params))).receive, most_bytes=MOST)
    assert (type(caught.value), caught.value.code, caught.value.params) == (kind, code, params)


def test_a_refused_field_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        read_answer(Pipe(refused(Invalid("amount_out_of_range", field="amount_minor"))).receive, most_bytes=MOST)
    assert caught.value.field == "amount_minor"


@given(st.binary(max_size=200) | st.builds(frame, st.sampled_from([b"D", b"R", b"\0", b"\1"]), st.binary(max_size=200)))
@example(struct.pack(">cQ", b"D", MOST + 1))
@example(struct.pack(">cQ", b"D", 2**64 - 1))
@example(struct.pack(">cQ", b"R", 2**40))
@example(frame(b"R", b"[" * 60_000))
@example(frame(b"R", pickle.dumps(Bomb())))
@example(frame(b"R", json.dumps({"kind": "SystemExit", "code": "x", "field": None, "params": {}}).encode()))
@example(frame(b"R", json.dumps({"kind": "Conflict", "code": "<b>", "field": None, "params": {}}).encode()))
@example(frame(b"R", json.dumps({"kind": "Invalid", "code": "x", "field": "a", "params": {"field": 1}}).encode()))
@example(frame(b"R", json.dumps({"kind": "Conflict", "code": "x", "field": "a", "params": {}}).encode()))
@example(frame(b"R", json.dumps({"kind": "Conflict", "code": "x", "field": None, "params": {"self": 1}}).encode()))
def test_whatever_comes_is_an_answer_or_refused_within_bounds(content: bytes) -> None:
    pipe = Pipe(content)
    try:
        answer = read_answer(pipe.receive, most_bytes=MOST)
    except (Malformed, EOFError, DomainError):
        pass
    else:
        assert len(answer) <= MOST
    assert pipe.asked <= 1 << 16
