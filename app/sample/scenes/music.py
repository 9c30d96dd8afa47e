"""The scenes' sound: a soft pad of four chords and one small bell per claim, synthesised by libavfilter.

Everything follows from the story, so equal stories sound equal; no samples, nothing licensed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import av
from av.audio.frame import AudioFrame
from av.error import EOFError as EndOfStream
from av.filter import Graph

from app.sample.scenes.facts import FilmScript

#: Nothing sounds above the low-pass: a higher rate would only cost more to compute and to encode.
RATE_HZ = 16_000
#: Semitones above the root: I add9, vi7, IV maj7, V sus – open voicings without a third in the bass.
_CHORDS = ((0, 7, 14, 16), (-3, 4, 12, 19), (-7, 5, 9, 16), (-5, 7, 12, 14))
_BELL_SEMITONES = 31
_PAD, _BELL = 0.12, 0.14


def _hertz(root_hz: float, semitones: int) -> float:
    # Whole multiples of 1/100 Hz keep the expression short and the same on every machine.
    return round(root_hz * 2 ** (semitones / 12), 2)


def _pad(story: FilmScript, seconds: float) -> str:
    """Nested conditionals, the last chord outermost: only the one that sounds is computed."""
    length_s = seconds / len(_CHORDS)
    expression = "0"
    for number, chord in enumerate(_CHORDS):
        start, end = round(number * length_s, 3), round((number + 1) * length_s, 3)
        tones = "+".join(
            f"sin(2*PI*{_hertz(story.chord_root_hz, step)}*t)*{round(1 - 0.14 * place, 2)}"
            for place, step in enumerate(chord)
        )
        swell = f"(1-exp(-(t-{start})*2.6))*min(1,({end}-t)*2.8)"
        expression = f"if(gte(t,{start}),{_PAD}*{swell}*(1+0.06*sin(2*PI*0.45*t))*({tones}),{expression})"
    return expression


def _bells(story: FilmScript) -> str:
    pitch = _hertz(story.chord_root_hz, _BELL_SEMITONES)
    bells = [
        f"if(between(t,{at},{at + 2}),{_BELL}*exp(-(t-{at})*4.5)*min(1,(t-{at})*300)"
        f"*(sin(2*PI*{pitch}*(t-{at}))+0.4*sin(2*PI*{round(pitch * 2.01, 2)}*(t-{at}))),0)"
        for at in (claim.second for claim in story.claims)
    ]
    return "+".join(bells)


def sound(story: FilmScript) -> Iterator[AudioFrame]:
    """Mono float frames of 1024 samples for the whole length."""
    seconds = story.duration_ms / 1000
    graph = Graph()
    steps = [
        graph.add("aevalsrc", exprs=f"{_pad(story, seconds)}+{_bells(story)}", s=str(RATE_HZ), d=str(seconds)),
        graph.add("lowpass", f="2600"),
        graph.add("aecho", "0.8:0.7:170|310:0.22|0.14"),
        graph.add("atrim", duration=str(seconds)),
        graph.add("afade", t="out", st=str(seconds - 0.9), d="0.9"),
        graph.add("aformat", sample_fmts="fltp", channel_layouts="mono"),
        graph.add("asetnsamples", n="1024", p="0"),
        graph.add("abuffersink"),
    ]
    for left, right in pairwise(steps):
        left.link_to(right)
    graph.configure()
    while True:
        try:
            frame = graph.pull()
        except (EndOfStream, av.BlockingIOError):
            return
        if isinstance(frame, AudioFrame):
            yield frame
