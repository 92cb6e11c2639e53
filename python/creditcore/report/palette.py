"""Colours of pages and charts, for a light and a dark page.

Comes in: nothing. Goes out: names of colours and what they are on a light and on a dark page; the contrast of
two colours as WCAG 2 counts it. Charts are drawn in the light colours; a page replaces each by its variable.
"""

from __future__ import annotations

LIGHT: dict[str, str] = {
    "paper": "#fdfcf9",
    "raised": "#f5f2eb",
    "ink": "#1d2226",
    "soft": "#58605f",
    "rule": "#dcd8ce",
    "strong": "#8d8a80",
    "accent": "#1b5061",
    "mark": "#a4481f",
    "seven1": "#8c5109",
    "seven2": "#cd9e52",
    "seven3": "#f0dfb8",
    "seven4": "#ecebe7",
    "seven5": "#c2e3dd",
    "seven6": "#55a89d",
    "seven7": "#04645c",
    "step1": "#a9641e",
    "step2": "#dcb676",
    "step3": "#d9d6cd",
    "step4": "#86bfb6",
    "step5": "#1f776e",
    "on_dark": "#fffefd",
    "on_light": "#1b1f22",
}
DARK: dict[str, str] = {
    "paper": "#14181a",
    "raised": "#1d2326",
    "ink": "#ece9e2",
    "soft": "#a9b1b0",
    "rule": "#343b3e",
    "strong": "#6c7576",
    "accent": "#8cc7d6",
    "mark": "#e79a6f",
    "seven1": "#e0a45a",
    "seven2": "#94631f",
    "seven3": "#5d4727",
    "seven4": "#363d3f",
    "seven5": "#1f4d4b",
    "seven6": "#2c8078",
    "seven7": "#74cbbd",
    "step1": "#c98a45",
    "step2": "#7d5a2c",
    "step3": "#4a5153",
    "step4": "#2c6f69",
    "step5": "#6cc2b5",
    "on_dark": "#1b1f22",
    "on_light": "#fffefd",
}
SEVEN = tuple(f"seven{place}" for place in range(1, 8))
"""From far below to far above."""
STEPS = tuple(f"step{place}" for place in range(1, 6))
"""From the lowest to the highest band."""


def on(name: str) -> str:
    """Name the colour of text that is read on a fill, in both schemes."""
    return max(
        ("on_dark", "on_light"),
        key=lambda text: min(contrast(scheme[name], scheme[text]) for scheme in (LIGHT, DARK)),
    )


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance).

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def variables(scheme: dict[str, str]) -> str:
    """Give the colours as CSS declarations."""
    return ";".join(f"--{name}:{colour}" for name, colour in scheme.items())


def for_page(svg: str) -> str:
    """Make the colours of a drawn chart follow the page's scheme."""
    for name, colour in LIGHT.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
    return svg
