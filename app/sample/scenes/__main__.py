"""The process that makes one scene: ``python -m app.sample.scenes KEY FILE``. Prints the share done, line by line."""

from __future__ import annotations

import sys
from pathlib import Path

from app.sample.scenes.facts import STORIES
from app.sample.scenes.make import make_scene
from app.sample.scenes.short_films import SHORT_STORIES


def _main(key: str, path: str) -> None:
    story = next(story for story in (*STORIES, *SHORT_STORIES) if story.key == key)
    said = 0.0

    def say(share: float) -> None:
        nonlocal said
        if share - said >= 0.1:
            said = share
            sys.stdout.write(f"done {share:.2f}\n")
            sys.stdout.flush()

    make_scene(story, Path(path), say)


if __name__ == "__main__":
    _main(*sys.argv[1:3])
