"""Test clocks of a sandbox: a test organization whose time its developer moves, and nobody else's."""
