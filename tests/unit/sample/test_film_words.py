"""The sample films' chapters and captions are such as the product takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.sample.film_words import LANGUAGES, film_captions, film_chapters
from app.sample.scenes.facts import STORIES, FilmScript, Scene
from app.sample.scenes.short_films import SHORT_STORIES
from marketplace.videos.captions.check_captions import checked_captions
from marketplace.videos.set_chapters import MAX_TITLE

SCRIPTS = {story.key: story for story in (*STORIES, *SHORT_STORIES)}


@pytest.fixture(params=sorted(SCRIPTS))
def scene(request: pytest.FixtureRequest) -> Scene:
    story: FilmScript = SCRIPTS[request.param]
    return Scene(
        story.key,
        Path("film.mp4"),
        story.title_zh,
        story.title_en,
        story.duration_ms,
        story.claims,
        story.placement_ms,
    )


def test_chapters_are_in_order_and_within_the_film(scene: Scene) -> None:
    chapters = film_chapters(scene, scene.duration_ms)
    times = [chapter.at_ms for chapter in chapters]
    assert times == sorted(set(times))
    assert times[-1] < scene.duration_ms
    assert film_chapters(scene, 1) == chapters[:1], "a film that is cut short has fewer"
    assert all(0 < len(one.title) <= MAX_TITLE and "|" not in one.title + one.title_en for one in chapters)


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_are_read_by_the_product(scene: Scene, language: str) -> None:
    words = checked_captions(film_captions(scene, language).encode(), scene.duration_ms)  # type: ignore[arg-type]
    assert words.count("-->") == len({0, *(claim.second for claim in scene.claims)})
