"""`python -m bench.live_viewers PORT SESSION NUMBER`: so many event streams of one live room, in a process of their own.

It says `ready` when every viewer has the room's first state, and at the end of its input when each of them heard of each later
one: seconds of the system's monotonic clock, which the process that caused the change reads, too.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import uvloop

from bench.stack import HOST

_SEQUENCE = re.compile(rb"^id: (\d+)", re.MULTILINE)
AT_ONCE = 100
"""Connections that are opened side by side: a listen queue is finite."""


class Viewers:
    """What all of them heard, by the event's sequence number."""

    def __init__(self, port: int, session_id: str, number: int) -> None:
        self._port, self._number = port, number
        self._request = (
            f"GET /v1/live-sessions/{session_id}/stream HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept: text/event-stream\r\n\r\n"
        ).encode()
        self.heard: dict[int, list[float]] = defaultdict(list)
        self.lost = 0

    async def watch(self) -> None:
        """Open the streams, say `ready`, listen until the input ends."""
        opening = asyncio.Semaphore(AT_ONCE)
        seen = [asyncio.Event() for _ in range(self._number)]
        tasks = [asyncio.create_task(self._view(opening, one)) for one in seen]
        await asyncio.gather(*(one.wait() for one in seen))
        _say("ready")
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _say(json.dumps({"lost": self.lost, "heard": self.heard}))

    async def _view(self, opening: asyncio.Semaphore, seen: asyncio.Event) -> None:
        async with opening:
            reader, writer = await asyncio.open_connection(HOST, self._port)
            writer.write(self._request)
            await self._hear(reader, until_first=True)
            seen.set()
        await self._hear(reader)
        self.lost += 1

    async def _hear(self, reader: asyncio.StreamReader, *, until_first: bool = False) -> None:
        while data := await reader.read(4096):
            at = time.monotonic()
            numbers = [int(one) for one in _SEQUENCE.findall(data)]
            for number in numbers:
                self.heard[number].append(at)
            if numbers and until_first:
                return


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Watch as the arguments say."""
    port, session_id, number = arguments
    uvloop.run(Viewers(int(port), session_id, int(number)).watch())


if __name__ == "__main__":
    main(sys.argv[1:])
