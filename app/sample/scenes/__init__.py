"""Sample videos: real MP4 files with sound, drawn and synthesised at set-up, whose claims match the sample plans."""

from app.sample.scenes.facts import STORIES, FilmClaim, FilmScript, Scene
from app.sample.scenes.make import generate_scenes

__all__ = ["STORIES", "FilmClaim", "FilmScript", "Scene", "generate_scenes"]
