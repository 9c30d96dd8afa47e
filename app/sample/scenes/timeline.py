"""A stage: a ground painted once, and actors that say for any instant what to draw where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from PIL import Image

from app.sample.scenes import drawing
from app.sample.scenes.facts import FRAMES_PER_S, HEIGHT_PX, WIDTH_PX, FilmClaim, FilmScript

Drawn = tuple[drawing.Sprite, float, float, float]
Actor = Callable[[float], Iterable[Drawn]]
Box = tuple[int, int, int, int]
Placed = tuple[drawing.Sprite, int, int, int]
#: A piece of picture and its left and top.
Patch = tuple[Image.Image, int, int]

# A phone of 9:19.5 that fills its screen cuts 64 px off either side of a 9:16 picture.
MARGIN_PX = 80
PANEL_WIDTH_PX = WIDTH_PX - 2 * MARGIN_PX
LEFT_PX, RIGHT_PX = MARGIN_PX + 28, MARGIN_PX + PANEL_WIDTH_PX - 28
INNER_PX = RIGHT_PX - LEFT_PX
PANEL_TOP_PX = 436
_CLAIM_TOP_PX, _CLAIM_HEIGHT_PX = 308, 96


def ease(now_s: float, start_s: float, length_s: float) -> float:
    """Share of a movement done, from 0 to 1: quick away, soft arrival (cubic, both ends without a jerk)."""
    share = min(1.0, max(0.0, (now_s - start_s) / length_s))
    return 4 * share**3 if share < 0.35 else 1 - (1 - share) ** 3 * (1 - 4 * 0.35**3) / 0.65**3


def between(one: float, other: float, share: float) -> float:
    """The point a share of the way from one to the other."""
    return one + (other - one) * share


def counted(target: int, now_s: float, start_s: float, length_s: float, first: int = 0) -> int:
    """A whole number on its way to ``target``."""
    return round(between(first, target, ease(now_s, start_s, length_s)))


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _merged(boxes: Iterable[Box]) -> list[Box]:
    """Few boxes that cover all, on even pixels (colour is stored for two by two), within the picture."""
    merged: list[Box] = []
    for left, top, right, bottom in boxes:
        box = (max(0, left) & ~1, max(0, top) & ~1, min(WIDTH_PX, right + 1) & ~1, min(HEIGHT_PX, bottom + 1) & ~1)
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        while (other := next((one for one in merged if _meet(one, box)), None)) is not None:
            merged.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        merged.append(box)
    return merged


class FilmTimeline:
    """Ground and actors of one scene; gives the frames in order."""

    def __init__(self, story: FilmScript) -> None:
        self.story = story
        self.ground = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), story.ground)
        self._actors: list[Actor] = []
        self._paint_header()

    def paint(self, sprite: drawing.Sprite, x: int, y: int) -> None:
        """Put something on the ground that never moves."""
        sprite.onto(self.ground, x, y)

    def act(self, actor: Actor) -> None:
        """Add something that moves; later actors lie above earlier ones."""
        self._actors.append(actor)

    def panel(self, height: int, fill: drawing.Colour = drawing.WHITE) -> None:
        """The product's own screen, a sheet on the ground."""
        sheet = ((drawing.rounded(PANEL_WIDTH_PX, height, 28, fill), 0, 0),)
        self.paint(drawing.together(PANEL_WIDTH_PX, height, sheet, shadow=True, radius=28), MARGIN_PX, PANEL_TOP_PX)

    def frames(self) -> Iterator[list[Patch]]:
        """For every frame in order, what changed since the one before; the first is the whole picture."""
        self.act(_claims_actor(self.story))
        whole: Box = (0, 0, WIDTH_PX, HEIGHT_PX)
        before: dict[Placed, Box] | None = None
        for number in range(self.story.duration_ms * FRAMES_PER_S // 1000):
            now = self._drawn(number / FRAMES_PER_S)
            if before is None:
                changed = [whole]
            else:
                fresh = [box for placed, box in now.items() if placed not in before]
                changed = _merged(fresh + [box for placed, box in before.items() if placed not in now])
            before = now
            yield [(self._picture(box, now), box[0], box[1]) for box in changed]

    def _drawn(self, now_s: float) -> dict[Placed, Box]:
        drawn: dict[Placed, Box] = {}
        for actor in self._actors:
            for sprite, x, y, opacity in actor(now_s):
                left, top, strength = round(x), round(y), round(255 * opacity)
                if strength > 0:
                    drawn[sprite, left, top, strength] = sprite.box(left, top)
        return drawn

    def _picture(self, box: Box, drawn: dict[Placed, Box]) -> Image.Image:
        picture = self.ground.crop(box)
        for (sprite, x, y, opacity), theirs in drawn.items():
            if _meet(box, theirs):
                sprite.onto(picture, x - box[0], y - box[1], opacity)
        return picture

    def _paint_header(self) -> None:
        story = self.story
        soft, softer = drawing.mix(story.ground, drawing.WHITE, 78), drawing.mix(story.ground, drawing.WHITE, 62)
        self.paint(_mark(story.ground), MARGIN_PX, 118)
        self.paint(drawing.text(story.product, 26, soft), MARGIN_PX + 54, 122)
        self.paint(drawing.text(story.headline, 54, drawing.WHITE, 2), MARGIN_PX - 1, 170)
        self.paint(drawing.text(story.subline, 25, softer), MARGIN_PX, 246)


def _mark(ground: drawing.Colour) -> drawing.Sprite:
    """The maker's mark: two bars and a dot, the same for all sample sellers."""
    parts = (
        (drawing.rounded(40, 40, 11, drawing.MINT), 0, 0),
        (drawing.rounded(6, 20, 3, ground), 11, 10),
        (drawing.rounded(6, 12, 3, ground), 21, 18),
        (drawing.disc(7, ground), 21, 9),
    )
    return drawing.together(40, 40, parts)


def _claim_sprite(words: tuple[str, str], width: int, *, plain: bool, ground: drawing.Colour) -> drawing.Sprite:
    first, second = words
    if plain:
        tone, under = drawing.mix(ground, drawing.WHITE, 92), drawing.mix(ground, drawing.WHITE, 64)
        fill, left = drawing.mix(ground, drawing.WHITE, 9), 28
    else:
        tone, under, fill, left = drawing.INK, drawing.MUTED, drawing.WHITE, 96
    parts: list[drawing.Part] = [
        (drawing.rounded(width, _CLAIM_HEIGHT_PX, 20, fill), 0, 0),
        (drawing.text(first, 34, tone, 2), left, 10),
        (drawing.text(second, 22, under), left, 57),
    ]
    if not plain:
        parts += [(drawing.disc(48, drawing.TEAL), 26, 24), (drawing.tick(36), 32, 30)]
    return drawing.together(width, _CLAIM_HEIGHT_PX, parts, shadow=not plain, radius=20)


def _claims_actor(story: FilmScript) -> Actor:
    def words(claim: FilmClaim) -> tuple[str, str]:
        return (claim.text_en, claim.text_zh) if story.english else (claim.text_zh, claim.text_en)

    sprites = [_claim_sprite(story.opening, PANEL_WIDTH_PX, plain=True, ground=story.ground)]
    sprites += [_claim_sprite(words(claim), PANEL_WIDTH_PX, plain=False, ground=story.ground) for claim in story.claims]
    starts = [-9.0, *(float(claim.second) for claim in story.claims)]
    ends = [*starts[1:], story.duration_ms / 1000 + 9]

    def actor(now_s: float) -> Iterator[Drawn]:
        for sprite, start_s, end_s in zip(sprites, starts, ends, strict=True):
            if start_s - 0.2 <= now_s <= end_s:
                come = ease(now_s, start_s - 0.2, 0.4)
                leave = ease(now_s, end_s - 0.25, 0.25)
                yield sprite, MARGIN_PX, _CLAIM_TOP_PX + 22 * (1 - come) - 10 * leave, come * (1 - leave)

    return actor
