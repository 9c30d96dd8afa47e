"""Handlers of the pages, a module per desk. Thin: read or act, make the view, render."""
