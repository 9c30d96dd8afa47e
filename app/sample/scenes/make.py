"""Make all sample videos, a process per scene, as many at a time as there are processors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.sample.scenes import backup, customers, expenses, onsite, recruiting, short_films
from app.sample.scenes.facts import DESIGN, STORIES, FilmScript, Scene
from app.sample.scenes.film import write_film
from app.sample.scenes.timeline import FilmTimeline

Progress = Callable[[str, float], None]
BUILD: dict[str, Callable[[FilmTimeline], None]] = {
    "recruiting": recruiting.build,
    "customers": customers.build,
    "expenses": expenses.build,
    "onsite": onsite.build,
    "backup": backup.build,
    **{story.key: short_films.build for story in short_films.SHORT_STORIES},
}
"""What sets each film's timeline, by the key of its script."""


def generate_scenes(
    target_dir: Path, progress: Progress | None = None, *, stories: Sequence[FilmScript] | None = None, at_once: int = 0
) -> list[Scene]:
    """Make the sample videos that ``target_dir`` lacks and return all of them in order; or those of other ``stories``.

    ``at_once`` says how many are made at a time, 0 as many as there are processors.

    ``progress`` is told a scene's key and the share done (0 to 1), never from two threads at once; a scene that lies
    there already is reported once with 1. Files appear whole or not at all. Leaves no process behind, also when
    interrupted.

    Raises:
        RuntimeError: a scene could not be made; the message carries the reason.
    """
    target_dir.mkdir(parents=True, exist_ok=True)
    wanted = STORIES if stories is None else stories
    lock = threading.Lock()

    def tell(key: str, share: float) -> None:
        if progress is not None:
            with lock:
                progress(key, share)

    missing = [story for story in wanted if not _path(target_dir, story).exists()]
    for story in wanted:
        if story not in missing:
            tell(story.key, 1.0)
    children: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(max_workers=max(1, min(len(wanted), at_once or os.cpu_count() or 1))) as threads:
        made = [threads.submit(_make_apart, story, target_dir, tell, children) for story in missing]
        try:
            for one in made:
                one.result()
        except BaseException:
            for one in made:
                one.cancel()
            for child in children:
                child.kill()
            raise
    return [scene_of(story, target_dir) for story in wanted]


def scene_of(story: FilmScript, target_dir: Path) -> Scene:
    """The finished video of a story in a folder."""
    return Scene(
        story.key,
        _path(target_dir, story),
        story.title_zh,
        story.title_en,
        story.duration_ms,
        story.claims,
        story.placement_ms,
    )


def make_scene(story: FilmScript, path: Path, progress: Callable[[float], None]) -> None:
    """Draw and encode one scene in this process."""
    stage = FilmTimeline(story)
    BUILD[story.key](stage)
    write_film(story, stage, path, progress)


def _path(target_dir: Path, story: FilmScript) -> Path:
    return target_dir / f"{story.key}-{DESIGN}.mp4"


def _make_apart(story: FilmScript, target_dir: Path, tell: Progress, children: list[subprocess.Popen[str]]) -> None:
    path = _path(target_dir, story)
    part = path.with_suffix(".part")
    root = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-m", "app.sample.scenes", story.key, str(part.resolve())]
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as child:
        children.append(child)
        words = ["no output"]
        for line in child.stdout or ():
            words = [*words[-20:], line.rstrip()]
            if line.startswith("done "):
                tell(story.key, float(line.removeprefix("done ")))
    if child.returncode != 0:
        part.unlink(missing_ok=True)
        raise RuntimeError(f"the sample video '{story.key}' was not made (exit {child.returncode}): {' '.join(words)}")
    part.replace(path)
    tell(story.key, 1.0)
