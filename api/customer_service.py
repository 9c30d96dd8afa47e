"""The routes of customer service: conversations, tickets and hours of service, as JSON and on pages."""

from __future__ import annotations

from api.pages.conversations import handlers as conversations_pages
from api.pages.tickets import handlers as tickets_pages
from api.v1 import conversations, service_windows, tickets

routes = [
    *conversations.routes,
    *service_windows.routes,
    *tickets.routes,
    *conversations_pages.routes,
    *tickets_pages.routes,
]
