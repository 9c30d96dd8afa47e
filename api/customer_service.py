"""The routes of customer service: conversations and hours of service, as JSON and on pages."""

from __future__ import annotations

from api.pages.conversations import handlers as conversations_pages
from api.v1 import conversations, service_windows

routes = [*conversations.routes, *service_windows.routes, *conversations_pages.routes]
