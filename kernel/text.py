"""Text that people give us: cleaned when it comes in, rendered safely when it goes out.

Two forms exist. *Plain text* is stored clean and escaped by the template. *Restricted Markdown* is stored as written
and rendered at output: paragraphs, emphasis, lists, headings, quotes, code, tables, links. No raw HTML, images, styles.
"""

import re
import unicodedata
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Characters that reorder or hide neighbouring text (Unicode TR 36 §2.5, TR 55): a name must look like what it is.
_BIDI_CONTROLS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
_TAG_CHARACTERS: Final = "\U000e0000-\U000e007f"
_HIDDEN: Final = re.compile(f"[{_BIDI_CONTROLS}{_INVISIBLE}{_TAG_CHARACTERS}]")
# C0 without tab and line feed, DEL, C1, surrogates, non-characters; none may be stored (PostgreSQL refuses NUL).
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_ENDS: Final = re.compile("\r\n|\r|\u0085|\u2028|\u2029")
_SPACES: Final = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")

_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "hr", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_LINK_SCHEMES: Final = {"https", "mailto"}
_MAX_NESTING: Final = 20


def plain_text(text: str, *, multiline: bool = False) -> str:
    """Clean text for storage: NFC, no control, bidirectional-control or invisible characters, tidy spaces.

    One line unless ``multiline``; then line ends become ``\\n`` and several blank lines in a row are reduced to one.
    The full-width (ideographic) space counts as a space; Chinese punctuation and the joiners of emoji stay.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _HIDDEN.sub("", _CONTROLS.sub("", text))
    text = unicodedata.normalize("NFC", text)
    if not multiline:
        return _SPACES.sub(" ", text.replace("\n", " ")).strip()
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def clean_markdown(text: str) -> str:
    """Clean Markdown for storage: as :func:`plain_text`, but spaces stay, since indentation has a meaning there."""
    text = _HIDDEN.sub("", _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)))
    return unicodedata.normalize("NFC", text).strip("\n")


def render_markdown(text: str) -> str:
    """Restricted Markdown to HTML that is safe inside a page's body.

    Two walls, either enough alone: the parser treats HTML as text and knows no images, and an allow-list of tags goes
    over its output. Links are https or mailto only, open without referrer or opener, and are marked as user content.
    Headings begin at the third level, below the page's own.
    """
    html = str(_markdown.render(clean_markdown(text)))
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes={"a": {"href", "title"}},
        url_schemes=_LINK_SCHEMES,
        link_rel="nofollow noopener noreferrer ugc",
    )


def _is_allowed_link(url: str) -> bool:
    scheme, colon, _ = url.strip().partition(":")
    return bool(colon) and scheme.lower() in _LINK_SCHEMES


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": _MAX_NESTING})
    parser.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline", "reference"])
    parser.validateLink = _is_allowed_link  # type: ignore[method-assign]

    def heading(self: object, tokens: list[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        del self, options, env
        token = tokens[index]
        level = min(int(token.tag[1:]) + 2, 5)
        return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"

    parser.add_render_rule("heading_open", heading)
    parser.add_render_rule("heading_close", heading)
    return parser


_markdown: Final = _make_parser()
