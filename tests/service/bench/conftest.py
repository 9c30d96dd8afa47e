"""The sample seller as a process of its own, as the loop's tests have it; the databases here need a superuser."""

from tests.loop.conftest import seller_app

__all__ = ["seller_app"]
