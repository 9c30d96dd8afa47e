"""Modules with routes of figures: what sellers, and everybody, read of how things go."""

from __future__ import annotations

from types import ModuleType

from api.pages.reliability import handlers as reliability_pages
from api.v1 import reliability

MODULES: tuple[ModuleType, ...] = (reliability, reliability_pages)
