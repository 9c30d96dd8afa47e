from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kernel.errors import Invalid
from marketplace.videos.media import subprocess_probe
from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.subprocess_probe import probe_isolated, remux_isolated

Clip = Callable[..., Path]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="process limits and pipes of POSIX")


def test_a_good_clip_comes_back_the_same_as_in_process(clip: Clip) -> None:
    path = clip("a.mp4")
    assert probe_isolated(path, 60, name="a.mp4") == probe_video(path, name="a.mp4")


def test_a_refusal_crosses_the_process_with_its_parameters(clip: Clip) -> None:
    with pytest.raises(Invalid) as raised:
        probe_isolated(clip("a.mp4"), 60, name="a.webm")
    assert raised.value.code == "video_name_mismatch"
    assert raised.value.params == {"promised": "webm", "detected": "mp4"}


def test_limits_reach_the_child(clip: Clip) -> None:
    with pytest.raises(Invalid) as raised:
        probe_isolated(clip("a.mp4", seconds=4), 60, max_duration_s=2)
    assert raised.value.code == "video_too_long"


def is_gone(pid: int) -> bool:
    """Whether the process ends; the signal was sent, but the system may take a moment to deliver it."""
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@posix_only
def test_what_hangs_is_killed_at_the_deadline_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of the interpreter stands a program that sleeps, and so does its child."""
    sleeper = tmp_path / "sleeper"
    sleeper.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path / 'pid'}\nsleep 300\n")
    sleeper.chmod(0o755)
    upload = tmp_path / "a.mp4"
    upload.write_bytes(b"x")
    monkeypatch.setattr(sys, "executable", str(sleeper))
    with pytest.raises(Invalid) as raised:
        probe_isolated(upload, 1)
    assert (raised.value.code, raised.value.params) == ("video_too_complex", {"reason": "time"})
    started = int((tmp_path / "pid").read_text())
    assert is_gone(started)


@posix_only
def test_a_child_whose_parent_is_gone_ends_itself() -> None:
    program = "from marketplace.videos.media import media_process\nmedia_process._limit(1, 1 << 20)\nimport time\ntime.sleep(60)\n"  # noqa: E501
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    assert ended.returncode == -signal.SIGALRM


@posix_only
@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, "crash"), (signal.SIGSEGV, "crash"), (signal.SIGXCPU, "time")]
)
def test_a_child_that_dies_blames_the_file(number: signal.Signals, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as raised, (tmp_path / "words").open("w+b") as words:
        subprocess_probe._read(-int(number), b"", words)
    assert (raised.value.code, raised.value.params) == ("video_too_complex", {"reason": reason})


def test_a_child_that_cannot_work_does_not_blame_the_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="gave no answer"):
        probe_isolated(tmp_path / "missing.mp4", 30)


@posix_only
def test_memory_is_bounded_in_the_child() -> None:
    program = (
        "from marketplace.videos.media import media_process\n"
        "media_process._limit(20, 1 << 20)\n"
        "try:\n    bytearray(3 << 30)\nexcept MemoryError:\n    print('bounded')\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "bounded\n"


def test_the_child_is_told_no_secret(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    seen: list[dict[str, str]] = []
    start = subprocess.Popen

    def watch(*args: object, **kwargs: object) -> object:
        environment = kwargs["env"]
        assert isinstance(environment, dict)
        seen.append(environment)
        return start(*args, **kwargs)  # type: ignore[call-overload]  # the arguments are passed on untouched

    monkeypatch.setattr(subprocess, "Popen", watch)
    probe_isolated(clip("a.mp4"), 60)
    assert len(seen) == 1
    assert "canary" not in json.dumps(seen)


def test_a_refused_copy_leaves_nothing(clip: Clip, tmp_path: Path) -> None:
    source = clip("a.mp4")
    source.write_bytes(source.read_bytes()[:2000])
    target = tmp_path / "copy.mp4"
    with pytest.raises(Invalid) as raised:
        remux_isolated(source, target, 60)
    assert raised.value.code == "video_truncated"
    assert not list(tmp_path.glob("copy*"))
