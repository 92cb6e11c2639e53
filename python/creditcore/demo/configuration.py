"""The demo's `creditcore.toml`: with it a user goes on where the demo ends.

Comes in: the demo's folder. Goes out: the configuration of a portfolio over its records, fleet and policy
(docs/formats/config.md).
"""

from __future__ import annotations

from pathlib import Path

from creditcore.demo.network_columns import IDENTIFIERS, STRENGTHS, TAU

FILE = "creditcore.toml"


def text(least: int) -> str:
    """Give the text of the configuration.

    Args:
        least: persons that a city needs for a rank.
    """
    linked = ", ".join(f'{name} = "{column}"' for name, column in IDENTIFIERS.items())
    strengths = ", ".join(f"{name} = {value}" for name, value in sorted(STRENGTHS.items()))
    return f"""\
# The synthetic country of `creditcore demo`: nothing in it says anything about a real city.
[columns]
key = "key"
event_time = "event_time"
known_time = "known_time"
region = "adcode"
unit = "unit_id"
kind = "kind"

[time]
zone = "Asia/Shanghai"

[fleet]
models = "models"

[network]
identifiers = {{{linked}}}
strengths = {{{strengths}}}
tau = {TAU}

[policy]
file = "policy/policy.yaml"

[population]
stage = "applicants"
kind = "person"
region_source = "declared address"

[[rankings]]
by = ["city", "province"]
min_n = {least}

[[rankings]]
by = ["north_south", "coast"]
"""


def write_config(folder: Path, least: int) -> Path:
    """Write the configuration into the demo's folder."""
    path = folder / FILE
    path.write_text(text(least), encoding="utf-8")
    return path
