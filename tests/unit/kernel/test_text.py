import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.text import clean_markdown, plain_text, render_markdown

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></mtext><mglyph><style><img src onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<base href=https://evil.example>",
    "<form action=https://evil.example><input name=password>",
    "<style>*{background:url(https://evil.example)}</style>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<!--><img src=x onerror=alert(1)>-->",
    "<a\nhref='x'\nonclick=alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](<javascript:alert(1)>)",
    "[x](//evil.example)",
    "[x](/account/delete)",
    "[x](http://plain.example)",
    "[x](file:///etc/passwd)",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](https://evil.example/pixel.png)",
    '![x](x" onerror="alert(1))',
    '[x](https://a.example "onmouseover=alert(1) x=")',
    '[x](https://a.example/"onmouseover="alert(1))',
    "<javascript:alert(1)>",
    "`<img src=x onerror=alert(1)>`",
    '```"><script>alert(1)</script>\n<img src=x onerror=alert(1)>\n```',
    "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | d |",
    "# <script>alert(1)</script>",
    "> " * 500 + "<script>alert(1)</script>",
    "- " * 500 + "x",
    "[" * 5000,
    "*" * 5000 + "a" + "*" * 5000,
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]

_TAG = re.compile(r"<(/?)([a-zA-Z!][^\s>/]*)([^>]*)>")
_ALLOWED = {
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "h3",
    "h4",
    "h5",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}


def assert_harmless(rendered: str) -> None:
    for _, tag, attributes in _TAG.findall(rendered):
        assert tag in _ALLOWED
        names = set(re.findall(r"\s([a-zA-Z-]+)=", re.sub(r'"[^"]*"', '""', attributes)))
        assert names <= ({"href", "title", "rel"} if tag == "a" else set())
        for href in re.findall(r'href="([^"]*)"', attributes):
            assert html.unescape(href).startswith(("https://", "mailto:"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_become_harmless(payload: str) -> None:
    assert_harmless(render_markdown(payload))
    assert_harmless(render_markdown(f"before {payload} after"))


@given(st.text())
def test_any_text_becomes_harmless(text: str) -> None:
    assert_harmless(render_markdown(text))


def test_the_permitted_marks_work() -> None:
    rendered = render_markdown(
        "# 标题\n\n**粗** *斜* ~~删~~ `码`\n\n- 一\n- 二\n\n1. a\n\n> 引\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        '[链接](https://a.example/x?y=1&z=2 "题")'
    )
    for part in (
        "<h3>标题</h3>",
        "<strong>粗</strong>",
        "<em>斜</em>",
        "<s>删</s>",
        "<code>码</code>",
        "<li>一</li>",
        "<ol>",
        "<blockquote>",
        "<td>1</td>",
        'href="https://a.example/x?y=1&amp;z=2"',
        'title="题"',
    ):
        assert part in rendered
    assert 'rel="nofollow noopener noreferrer ugc"' in rendered


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("  北京  某某\t科技　有限公司 ", "北京 某某 科技 有限公司"),
        ("a\u0000b\u0007c\u001b[31m", "abc[31m"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("e\u0301", "é"),
        ("a\r\nb\u2028c", "a b c"),
        ("ok\U000e0041\U000e007f", "ok"),
        ("👩\u200d💻 家", "👩\u200d💻 家"),
        ("䶮𠮷㙓", "䶮𠮷㙓"),
        ("，。！“引”", "，。！“引”"),
        ("\ud800x", "x"),
        ("", ""),
    ],
)
def test_plain_text_is_what_it_looks_like(given_text: str, expected: str) -> None:
    assert plain_text(given_text) == expected


def test_lines_are_kept_where_wanted() -> None:
    assert plain_text(" a \r\n\r\n\r\n\r\n b\u2029c ", multiline=True) == "a\n\nb\nc"


@given(st.text(st.characters(codec=None)))
def test_cleaning_is_stable_and_complete(text: str) -> None:
    for multiline in (False, True):
        cleaned = plain_text(text, multiline=multiline)
        assert plain_text(cleaned, multiline=multiline) == cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in cleaned)
        cleaned.encode()


def test_markdown_keeps_its_indentation() -> None:
    assert clean_markdown("- a\r\n    - b\u202e\x00") == "- a\n    - b"
