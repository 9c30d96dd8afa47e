"""The page a buyer lands on after "open"."""

import html
from typing import Any

_WORDS = {
    "en": {
        "active": "Your workspace is ready.",
        "suspended": "This workspace is suspended. Your data is kept.",
        "ended": "This workspace has ended.",
        "plan": "Plan",
        "seats": "Seats",
        "until": "Paid until",
        "organization": "Organization",
        "tenant": "Workspace",
        "back": "Back to the marketplace",
        "missing": "No such workspace.",
    },
    "zh-CN": {
        "active": "您的工作区已开通。",
        "suspended": "此工作区已暂停，数据仍然保留。",
        "ended": "此工作区已结束。",
        "plan": "规格",
        "seats": "席位",
        "until": "有效期至",
        "organization": "企业",
        "tenant": "工作区",
        "back": "返回市场",
        "missing": "没有这个工作区。",
    },
}

_STYLE = """
body{margin:0;background:#f2f5f3;color:#16241d;
font:16px/1.6 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:34rem;margin:12vh auto;padding:2.5rem;background:#fff;border:1px solid #d7e0da;border-radius:12px}
h1{margin:0 0 .25rem;font-size:1.6rem}p{margin:.25rem 0 1.5rem;color:#456055}
dl{display:grid;grid-template-columns:8rem 1fr;gap:.5rem 1rem;margin:0 0 1.5rem}
dt{color:#5c7267}dd{margin:0;overflow-wrap:anywhere}
a{color:#0b6b47}a:focus-visible{outline:3px solid #0b6b47;outline-offset:2px}
"""


def tenant_page(instance: dict[str, Any] | None, accept_language: str, market_url: str) -> str:
    """HTML of a tenant's page in the visitor's language; None shows that there is no such tenant."""
    language = "zh-CN" if accept_language.strip().lower().startswith("zh") else "en"
    words = _WORDS[language]
    if instance is None:
        title, sentence, rows = words["missing"], "", []
    else:
        title, sentence = instance["listing_title"], words[instance["state"]]
        rows = [
            (words["organization"], instance["organization_name"]),
            (words["plan"], instance["plan_name"]),
            (words["seats"], instance["seats"]),
            (words["until"], (instance["term_end"] or "")[:10]),
            (words["tenant"], instance["tenant_id"]),
        ]
    facts = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in rows if value is not None
    )
    back = f'<a href="{html.escape(market_url)}">{words["back"]}</a>' if market_url else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{html.escape(title)}</h1><p>{html.escape(sentence)}</p>"
        f"<dl>{facts}</dl>{back}</main></body></html>"
    )
