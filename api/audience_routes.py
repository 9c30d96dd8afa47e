"""Routes of what videos ask of their viewers beside buying: cards to respond to, and training."""

from __future__ import annotations

from api.pages.response_cards import handlers as response_card_pages
from api.pages.training import handlers as training_pages
from api.v1 import response_cards, trainings

routes = [*response_cards.routes, *response_card_pages.routes, *trainings.routes, *training_pages.routes]
