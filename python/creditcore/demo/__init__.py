"""What `creditcore demo` shows: a real credit file, and a synthetic country to score and rank.

Comes in: a number of records, a seed, a world, a folder. Goes out: `records.parquet` and `truth.parquet`
(module `world`), the facts that a ranking is checked against (module `facts`), and a trained fleet (module
`fleet`, made by module `train`).
"""

from __future__ import annotations

from pathlib import Path

UCI_CASE = Path(__file__).parent / "uci"
"""A real case: clients, a published credit model, its schema; see README.md there for sources and "
"licences."""
UCI = UCI_CASE / "clients.csv.gz"
"""30,000 credit-card clients of a bank in Taiwan, 2005: UCI data set 350, I-Cheng Yeh, CC BY 4.0."""
UCI_DEFAULT = "default.payment.next.month"
UCI_HOLDOUT = UCI_CASE / "holdout.csv.gz"
"""1,000 of them that the model was not trained on; their default is `IS_DEFAULT_TRUE`."""
UCI_SCHEMA = UCI_CASE / "schema.yaml"
"""The inputs of the packaged credit model, derived from the columns of `UCI`."""
UCI_REASONS = UCI_CASE / "reasons.yaml"
"""What to tell a borrower about those inputs, in English and Chinese."""
