import hashlib
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kernel.storage import (
    ObjectMissing,
    ObjectTooLarge,
    RangeNotSatisfiable,
    Storage,
    check_key,
    open_storage,
)
from tests.event_loop import run_async

MIB = 1024 * 1024


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(f"file://{tmp_path}/store")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_object_comes_back_as_it_went_in(storage: Storage) -> None:
    stored = storage.put("video/01/original.mp4", [b"abc", b"", b"defg"])
    assert stored.size_bytes == 7
    assert stored.sha256 == hashlib.sha256(b"abcdefg").hexdigest()
    info = storage.head("video/01/original.mp4")
    assert info.size_bytes == 7
    assert info.etag
    assert storage.get_bytes("video/01/original.mp4") == b"abcdefg"


def test_a_large_stream_is_not_held_in_memory(storage: Storage) -> None:
    def chunks() -> Iterator[bytes]:
        for index in range(64):
            yield bytes([index]) * MIB

    tracemalloc.start()
    stored = storage.put("big", chunks())
    size = sum(len(chunk) for chunk in storage.stream("big"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stored.size_bytes == size == 64 * MIB
    assert peak < 32 * MIB
    assert b"".join(storage.stream("big", 10 * MIB - 1, 10 * MIB + 1)) == bytes([9, 10])


def test_an_async_stream_is_stored_alike(storage: Storage) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * MIB

    async def run() -> int:
        stored = await storage.put_async("async", chunks())
        total = 0
        async for chunk in await storage.stream_async("async", 1, 6 * MIB):
            total += len(chunk)
        assert stored.sha256 == hashlib.sha256(b"x" * 12 * MIB).hexdigest()
        return total

    assert run_async(run()) == 6 * MIB - 1


def test_an_async_read_says_what_is_wrong_before_it_begins(storage: Storage) -> None:
    storage.put_bytes("digits", b"0123456789")
    with pytest.raises(RangeNotSatisfiable):
        run_async(storage.stream_async("digits", 10, 11))
    with pytest.raises(ObjectMissing):
        run_async(storage.stream_async("missing"))


@pytest.mark.parametrize("chunks_before", [0, 1, 12])
def test_a_broken_stream_leaves_nothing(storage: Storage, tmp_path: Path, chunks_before: int) -> None:
    def broken() -> Iterator[bytes]:
        for _ in range(chunks_before):
            yield b"x" * MIB
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        storage.put("half", broken())
    assert files(tmp_path / "store") == []


def test_a_broken_replacement_leaves_the_earlier_object(storage: Storage) -> None:
    storage.put_bytes("key", b"earlier")

    def broken() -> Iterator[bytes]:
        yield b"later"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        storage.put("key", broken())
    assert storage.get_bytes("key") == b"earlier"


def test_a_stream_beyond_its_limit_is_cut_and_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(ObjectTooLarge):
        storage.put("key", endless(), max_bytes=10_500)
    assert taken == 11
    assert files(tmp_path / "store") == []
    assert storage.put("key", [b"x" * 10_500], max_bytes=10_500).size_bytes == 10_500


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0, 1, b"0"), (0, 10, b"0123456789"), (3, 6, b"345"), (9, 10, b"9"), (8, 99, b"89"), (0, 99, b"0123456789")],
)
def test_ranges(storage: Storage, start: int, end: int, expected: bytes) -> None:
    storage.put_bytes("digits", b"0123456789")
    assert b"".join(storage.stream("digits", start, end)) == expected
    assert b"".join(storage.stream("digits", start)) == b"0123456789"[start:]


def test_a_range_beyond_the_end_tells_the_size(storage: Storage) -> None:
    storage.put_bytes("digits", b"0123456789")
    with pytest.raises(RangeNotSatisfiable) as beyond:
        storage.stream("digits", 10, 11)
    assert beyond.value.size_bytes == 10
    for start, end in ((-1, 2), (5, 5), (6, 5)):
        with pytest.raises(ValueError, match="range"):
            storage.stream("digits", start, end)


def test_an_empty_object_is_an_object(storage: Storage) -> None:
    assert storage.put("empty", []).size_bytes == 0
    assert storage.get_bytes("empty") == b""
    assert storage.head("empty").size_bytes == 0


def test_what_is_missing_says_so_and_deleting_twice_is_fine(storage: Storage) -> None:
    storage.put_bytes("a/b", b"x")
    storage.delete("a/b")
    storage.delete("a/b")
    for read in (storage.head, storage.get_bytes, lambda key: list(storage.stream(key))):
        with pytest.raises(ObjectMissing):
            read("a/b")


def test_keys_under_a_prefix(storage: Storage) -> None:
    for key in ("a/1", "a/b/2", "ab/3"):
        storage.put_bytes(key, b"x")
    assert sorted(storage.keys("a")) == ["a/1", "a/b/2"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/..",
        "a//b",
        "a/",
        ".hidden",
        "a/.b",
        "a\\b",
        "a b",
        "a\0b",
        "a%2e",
        "A/b",
        "é",
        "a..b",
        "x" * 513,
        "a\n",
        "-a",
        "c:/x",
        "a/b#1",
        "a?b",
        "con.",
        "~/x",
    ],
)
def test_an_unsafe_key_is_refused_everywhere(storage: Storage, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="storage key"):
        check_key(key)
    for action in (storage.head, storage.delete, storage.get_bytes, lambda k: storage.put_bytes(k, b"x")):
        with pytest.raises(ValueError, match="storage key"):
            action(key)
    assert files(tmp_path) == []


def test_parallel_writers_of_one_key_leave_one_whole_object(storage: Storage) -> None:
    def write(letter: bytes) -> None:
        storage.put("shared", (letter * MIB for _ in range(8)))

    writers = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    content = storage.get_bytes("shared")
    assert len(content) == 8 * MIB
    assert len(set(content)) == 1


def test_stores_by_url(tmp_path: Path) -> None:
    plain = open_storage(str(tmp_path / "with space"))
    plain.put_bytes("a", b"1")
    assert open_storage((tmp_path / "with space").as_uri()).get_bytes("a") == b"1"
    open_storage("s3://bucket/prefix", endpoint="http://127.0.0.1:9", access_key_id="a", secret_access_key="b")
    for url in ("ftp://x/y", "file://relative/x", "http://bucket"):
        with pytest.raises(ValueError, match=r"storage|file URL"):
            open_storage(url)
