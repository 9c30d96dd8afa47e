"""A name server as a process of its own, and the handle by which a test publishes records.

`python -m tests.adapters.dns_server PORT FILE` answers from FILE, a JSON object of names and their texts; of the name
`silent.` it says nothing at all.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

ROOT = Path(__file__).resolve().parents[2]
SILENT = "silent."


class NameServer:
    """One server process on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "records.json"
        self.publish({})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "tests.adapters.dns_server", str(self.port), str(self._file)]
        self._process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def publish(self, records: dict[str, list[str]]) -> None:
        """These are all the records from now on."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(records))
        draft.replace(self._file)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _answer(query: dns.message.Message, records: dict[str, list[str]]) -> bytes:
    name = query.question[0].name
    said = dns.message.make_response(query)
    texts = records.get(name.to_text().lower())
    if texts is None:
        said.set_rcode(dns.rcode.NXDOMAIN)
    elif texts:
        # A text longer than 255 bytes comes in pieces.
        rows = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in texts]
        said.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *rows))
    return said.to_wire()


def main(port: int, file: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", port))
        print("ready", flush=True)
        while True:
            wire, sender = server.recvfrom(4096)
            query = dns.message.from_wire(wire)
            if not query.question[0].name.to_text().lower().endswith(SILENT):
                server.sendto(_answer(query, json.loads(file.read_text())), sender)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
