"""Courses: a service product's episodes, which are its seller's own videos in an order."""
