from __future__ import annotations

import hashlib
import io
from pathlib import Path

import av
import pytest
from av.audio.resampler import AudioResampler
from PIL import Image, ImageStat

from app.sample.scenes import STORIES, generate_scenes
from app.sample.scenes.facts import HEIGHT_PX, WIDTH_PX, FilmScript
from app.sample.scenes.make import make_scene
from app.sample.scenes.music import RATE_HZ, sound
from app.sample.scenes.timeline import FilmTimeline, ease
from marketplace.videos.media.probe import probe_video
from marketplace.videos.media.probe_result import Probe

SHORTEST = min(STORIES, key=lambda story: story.duration_ms)


def _unheard(_share: float) -> None:
    """Nobody watches the progress here."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "shortest.mp4"
    make_scene(SHORTEST, path, _unheard)
    return path


@pytest.fixture(scope="module")
def found(film: Path) -> Probe:
    return probe_video(film, name=film.name)


def test_a_scene_is_a_video_the_platform_itself_accepts(found: Probe) -> None:
    assert (found.container, found.video_codec, found.audio_codec) == ("mp4", "h264", "aac")
    assert (found.width, found.height) == (WIDTH_PX, HEIGHT_PX)
    assert abs(found.duration_ms - SHORTEST.duration_ms) <= 100
    assert found.faststart
    assert found.size_bytes < 3_000_000


def test_it_can_be_heard_all_along(film: Path) -> None:
    resampler = AudioResampler(format="s16", layout="mono", rate=8000)
    samples = bytearray()
    with av.open(str(film)) as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                samples += bytes(part.planes[0])[: part.samples * 2]
    heard = memoryview(bytes(samples)).cast("h")
    for second in range(SHORTEST.duration_ms // 1000):
        window = heard[second * 8000 : (second + 1) * 8000]
        assert max(abs(value) for value in window) > 300, f"silent in second {second}"
    assert max(abs(value) for value in heard) < 32_000, "clipped"


def test_pictures_change_over_time_and_are_rich_from_the_first(film: Path) -> None:
    seen: dict[int, str] = {}
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            second = int(frame.time)
            if second not in seen:
                image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
                seen[second] = hashlib.sha256(image.tobytes()).hexdigest()
                assert ImageStat.Stat(image.convert("L")).stddev[0] > 30
    assert len(seen) == SHORTEST.duration_ms // 1000
    assert len(set(seen.values())) == len(seen)


def test_the_colours_are_those_that_were_drawn(film: Path) -> None:
    with av.open(str(film)) as container:
        frame = next(container.decode(video=0))
        rgb = frame.reformat(format="rgb24", src_colorspace="ITU709", src_color_range="MPEG")
        image = rgb.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    ground = image.getpixel((20, 1260))
    assert all(abs(one - other) <= 4 for one, other in zip(ground, SHORTEST.ground, strict=True))


def test_the_cover_shows_the_scene(found: Probe) -> None:
    with Image.open(io.BytesIO(found.cover_jpeg)) as cover:
        assert cover.size == (WIDTH_PX, HEIGHT_PX)


def test_the_same_bytes_every_time(film: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    make_scene(SHORTEST, again, _unheard)
    assert again.read_bytes() == film.read_bytes()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.key)
def test_claims_and_cards_lie_within_the_video(story: FilmScript) -> None:
    assert 12_000 <= story.duration_ms <= 20_000
    seconds = [claim.second for claim in story.claims]
    assert seconds == sorted(set(seconds))
    assert all(claim.second * 1000 < story.duration_ms - 1500 for claim in story.claims)
    assert any(claim.kind == "price" for claim in story.claims)
    assert 0 <= story.placement_ms[0] < story.placement_ms[1] <= story.duration_ms
    assert story.placement_ms[0] <= 5000


def test_finished_scenes_are_not_made_again(tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sample.scenes.make.STORIES", (SHORTEST,))
    told: list[tuple[str, float]] = []
    first = generate_scenes(tmp_path, lambda key, share: told.append((key, share)))
    assert [scene.key for scene in first] == [SHORTEST.key]
    assert first[0].path.read_bytes() == film.read_bytes()
    assert told[-1] == (SHORTEST.key, 1.0)
    assert len(told) > 5
    made_at = first[0].path.stat().st_mtime_ns
    told.clear()
    assert generate_scenes(tmp_path, lambda key, share: told.append((key, share))) == first
    assert (first[0].path.stat().st_mtime_ns, told) == (made_at, [(SHORTEST.key, 1.0)])
    assert [path.name for path in tmp_path.iterdir()] == [first[0].path.name]


def test_a_scene_that_fails_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sample.scenes.make.STORIES", (SHORTEST,))
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match=SHORTEST.key):
        generate_scenes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_movements_begin_at_nothing_and_end_at_all() -> None:
    shares = [ease(step / 100, 0.2, 0.5) for step in range(100)]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_the_first_frame_is_whole_and_a_still_one_is_empty() -> None:
    stage = FilmTimeline(SHORTEST)
    frames = list(stage.frames())
    assert [(patch[0].size, patch[1:]) for patch in frames[0]] == [((WIDTH_PX, HEIGHT_PX), (0, 0))]
    assert frames[1] == []


def test_sound_lasts_as_long_as_the_picture() -> None:
    assert abs(sum(frame.samples for frame in sound(SHORTEST)) / RATE_HZ - SHORTEST.duration_ms / 1000) < 0.05
