"""Processor time and memory of the running product, by what its processes are for."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath

import psutil

PATH = ("api", "worker", "scheduler", "postgres", "valkey")
"""What a checkout runs through. The seller's program, drawn documents, the supervisor and the client are counted apart."""
_PROGRAMS = {"postgres": "postgres", "postgres:": "postgres", "valkey-server": "valkey"}
_ROLES = {
    "documents": "documents",
    "serve": "api",
    "worker": "worker",
    "scheduler": "scheduler",
    "seller_app": "seller",
    "up": "up",
}


def role_of(command: Sequence[str]) -> str:
    """What a process of the product is for, by its command line; `other` for a step that runs to its end.

    A drawing process is known by its module, which has `render` in its name.
    """
    if not command:
        return "other"
    program = PurePath(command[0].split(" ", 1)[0]).name
    if program in _PROGRAMS:
        return _PROGRAMS[program]
    words = {word for word in command[1:] if "/" not in word}
    if any("render" in word for word in words):
        return "documents"
    return next((role for word, role in _ROLES.items() if word in words), "other")


def by_role(root: psutil.Process) -> dict[str, list[psutil.Process]]:
    """The processes below `root`, and itself, by role."""
    found: dict[str, list[psutil.Process]] = defaultdict(list)
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error):
            found[role_of(process.cmdline())].append(process)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds used so far, at one moment."""

    at_s: float
    cpu_s: Mapping[str, float]
    client_s: float
    machine_s: float
    """All processors' busy time, whoever used them."""


def usage(root: psutil.Process) -> Usage:
    """What the product, this client and the machine have used until now. Ended children count with their parents."""
    cpu_s: dict[str, float] = {}
    for role, processes in by_role(root).items():
        total = 0.0
        for process in processes:
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        cpu_s[role] = total
    machine = psutil.cpu_times()
    busy_s = machine.user + machine.system + machine.nice + getattr(machine, "irq", 0) + getattr(machine, "softirq", 0)
    return Usage(time.monotonic(), cpu_s, time.process_time(), busy_s)


def spent(before: Usage, after: Usage, units: int = 0) -> dict[str, object]:
    """Cores used between two moments by role, by this client and by anything else; per unit of work, milliseconds."""
    took_s = after.at_s - before.at_s
    cpu_s = {role: total - before.cpu_s.get(role, 0.0) for role, total in after.cpu_s.items()}
    client_s = after.client_s - before.client_s
    others_s = after.machine_s - before.machine_s - sum(cpu_s.values()) - client_s
    cores = {role: round(used / took_s, 4) for role, used in sorted(cpu_s.items())}
    found: dict[str, object] = {
        "cores": cores,
        "client_cores": round(client_s / took_s, 3),
        "other_cores": round(max(others_s, 0.0) / took_s, 2),
    }
    if units:
        found["cpu_ms_per_unit"] = {role: round(used * 1000 / units, 2) for role, used in sorted(cpu_s.items())}
        found["cpu_ms_per_unit_path"] = round(sum(cpu_s.get(role, 0.0) for role in PATH) * 1000 / units, 2)
    return found


def memory_mib(root: psutil.Process) -> dict[str, dict[str, float]]:
    """Resident and, where the system tells it, proportional memory by role, in MiB; `total` is the sum of all."""
    found: dict[str, dict[str, float]] = {}
    for role, processes in sorted(by_role(root).items()):
        sums = {"processes": 0.0, "rss": 0.0, "pss": 0.0}
        for process in processes:
            with suppress(psutil.Error):
                full = process.memory_full_info()
                sums["processes"] += 1
                sums["rss"] += full.rss / 2**20
                sums["pss"] += getattr(full, "pss", 0) / 2**20
        found[role] = sums
    found["total"] = {key: sum(sums[key] for sums in found.values()) for key in ("processes", "rss", "pss")}
    return {role: {key: round(value, 1) for key, value in sums.items()} for role, sums in found.items()}
