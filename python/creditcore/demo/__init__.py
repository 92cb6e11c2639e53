"""What `creditcore demo` shows: a real credit file, and a synthetic country to score and rank.

Comes in: a number of records, a seed, a world, a folder. Goes out: `records.parquet` and `truth.parquet`
(module `world`), the facts that a ranking is checked against (module `facts`), and a trained fleet (module
`fleet`, made by module `train`).
"""

from __future__ import annotations

from pathlib import Path

UCI = Path(__file__).parent / "uci_credit_card.csv.gz"
"""30,000 credit-card clients of a bank in Taiwan, 2005: UCI data set 350, I-Cheng Yeh, CC BY 4.0."""
UCI_DEFAULT = "default.payment.next.month"
UCI_SCHEMA = Path(__file__).parent / "uci_schema.yaml"
"""The inputs of the packaged credit model, derived from the columns of `UCI`."""
UCI_REASONS = Path(__file__).parent / "uci_reasons.yaml"
"""What to tell a borrower about those inputs, in English and Chinese."""
