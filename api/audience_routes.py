"""Routes of what videos ask of their viewers beside buying: cards to respond to."""

from __future__ import annotations

from api.pages.response_cards import handlers as response_card_pages
from api.v1 import response_cards

routes = [*response_cards.routes, *response_card_pages.routes]
