"""Static files under one digest, so that a browser may keep them for ever and still gets each new release.

The style sheet is kept in small files and served as one; modules import each other relatively and so stay under
the same digest. There is no bundler.
"""

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from api import encoded_answers

ROOT = Path(__file__).parent / "static"
STYLES = (
    "tokens",
    "base",
    "forms",
    "parts",
    "tables",
    "shell",
    "timeline",
    "channel",
    "sheet",
    "dashboards",
    "products",
    "courses",
    "live",
)
STYLESHEET = "pages.css"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: A file's address changes with its content, so it never needs asking for again.
CACHE_CONTROL = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One static file as it is sent."""

    name: str
    media_type: str
    content: bytes

    @cached_property
    def tag(self) -> str:
        """Names the content, in sixteen hex digits."""
        return hashlib.sha256(self.content).hexdigest()[:16]


@cache
def all_assets() -> dict[str, Asset]:
    """Read every static file once; the style sheets are joined in their stated order."""
    joined = b"\n".join((ROOT / "styles" / f"{name}.css").read_bytes() for name in STYLES)
    found = {STYLESHEET: Asset(STYLESHEET, MEDIA_TYPES[".css"], joined)}
    for path in sorted(ROOT.iterdir()):
        if path.suffix in MEDIA_TYPES:
            found[path.name] = Asset(path.name, MEDIA_TYPES[path.suffix], path.read_bytes())
    return found


@cache
def encoded(name: str, encoding: encoded_answers.Encoding) -> bytes:
    """An asset's content, made as small as can be when it is first asked for."""
    return encoded_answers.encode(all_assets()[name].content, encoding, "static")


@cache
def digest() -> str:
    """Twelve hex digits over the names and bytes of all assets."""
    total = hashlib.sha256()
    for name, asset in sorted(all_assets().items()):
        total.update(name.encode() + b"\0" + asset.content)
    return total.hexdigest()[:12]


def address(name: str) -> str:
    """The address of one asset.

    Raises ``KeyError`` for a name that is not there, so that a template with a wrong name fails in its test.
    """
    return f"/static/{digest()}/{all_assets()[name].name}"
