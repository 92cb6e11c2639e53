"""`creditcore.toml`: one file that says everything a portfolio is made by.

In: TOML or plain data. Out: a checked configuration; faults with file, line and key.
"""

from creditcore.config.config import Config

__all__ = ["Config"]
