"""Where Chromium is: the headless shell first, which is the same engine without the windows that no test looks at."""

from pathlib import Path
from typing import Final

import pytest

#: Debian's names.
NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM: Final = next((path for name in NAMES if (path := Path("/usr/bin") / name).exists()), None)
needs_chromium: Final = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium or its headless shell in /usr/bin: no browser is downloaded here"
)
