"""The style that every page shares, and the policy that allows nothing but what a page was written with.

Comes in: names of scripts below `templates`. Goes out: texts of style and script, the policy's text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from creditcore.report.palette import DARK, LIGHT, variables

TEMPLATES = Path(__file__).parent / "templates"


@cache
def style() -> str:
    """Give the style, with the colours of both schemes in it."""
    text = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    for name, scheme in (("light", LIGHT), ("dark", DARK)):
        text = text.replace(f"/* {name} */", variables(scheme))
    return text


def script(names: Sequence[str]) -> str:
    """Give scripts as one."""
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


def policy(style_text: str, script_text: str = "") -> str:
    """Give the page's Content-Security-Policy: this style and this script, no request, no form."""
    scripts = f"script-src '{_digest(script_text)}'; " if script_text else ""
    return (
        f"default-src 'none'; style-src '{_digest(style_text)}'; {scripts}base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
