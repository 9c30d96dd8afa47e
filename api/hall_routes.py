"""Every route of exhibition halls: JSON and pages."""

from __future__ import annotations

from api.pages.halls import desk_handlers, handlers
from api.v1 import hall_desk, hall_report_file, halls

routes = [*halls.routes, *hall_desk.routes, *hall_report_file.routes, *handlers.routes, *desk_handlers.routes]
