"""Addresses of the pages about test clocks."""

TEST_CLOCKS = "/test-clocks"


def one(clock_id: object, act: str = "") -> str:
    """The page of one test clock, or where something is done with it."""
    return f"{TEST_CLOCKS}/{clock_id}/{act}" if act else f"{TEST_CLOCKS}/{clock_id}"
