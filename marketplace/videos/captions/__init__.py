"""Captions: what is said in a video, as text in a language."""
