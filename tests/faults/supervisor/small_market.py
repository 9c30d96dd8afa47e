"""A small plan under the real supervisor: `python small_market.py FOLDER PORT [broken]`, for tests to kill."""

import sys
from dataclasses import dataclass
from pathlib import Path

from app.embedded.engines import Addresses
from app.embedded.supervised_process import ProcessSpec
from app.embedded.supervisor import StartFailed, StartStep, Stopped, Supervisor
from app.process_plan import answers_ready
from kernel.settings import Settings

API = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
WITH_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@dataclass(frozen=True)
class Small:
    port: int
    step: str

    def load(self) -> None:
        """Nothing is forked but what this very file holds."""

    def ports(self) -> list[tuple[str, int, str]]:
        return [("127.0.0.1", self.port, "PORT")]

    def steps(self, addresses: Addresses) -> list[StartStep]:
        return [StartStep("Preparing", "准备", ProcessSpec("prepare", ("-c", self.step), addresses.environment()))]

    def children(self, addresses: Addresses) -> list[ProcessSpec]:
        return [
            ProcessSpec("parent", ("-c", WITH_CHILD), addresses.environment()),
            ProcessSpec("stubborn", ("-c", STUBBORN), addresses.environment()),
            ProcessSpec(
                "api",
                ("-c", API, str(self.port)),
                addresses.environment(),
                lambda: answers_ready("127.0.0.1", self.port),
            ),
        ]


def main() -> None:
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    step = sys.argv[3] if len(sys.argv) > 3 else "import os; print(os.environ['DATABASE_URL'])"
    settings = Settings(market_home=home, port=port, shutdown_grace_s=1)
    try:
        with Supervisor(settings, lambda en, _: print(en, flush=True), Small(port, step)) as supervisor:
            print("ready", flush=True)
            supervisor.watch()
    except StartFailed as failure:
        print(f"failed: {failure.en}", flush=True)
    except Stopped:
        print("stopped early", flush=True)
    print("finished", flush=True)


if __name__ == "__main__":
    main()
