"""Courses as they are delivered: who may watch an episode, and how far each member came."""
