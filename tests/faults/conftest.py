"""Fixtures of all fault tests."""

from tests.faults.machines import bell, machine, postgres, start_script

__all__ = ["bell", "machine", "postgres", "start_script"]
