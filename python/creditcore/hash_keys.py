"""The secret key of hashes: one rule for identifiers of networks and for hashed lists of policies.

Comes in: a file, or the environment variable `CREDITCORE_HASH_KEY`. Goes out: sixteen bytes. The rule: the
content of the file, or the text of the variable, without white space around it, is 16 bytes or more, and
the first 16 bytes of its SHA-256 are the key. Without either a process draws a key of its own, which is
right as long as no hash outlives the process.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from functools import cache
from pathlib import Path

from creditcore.errors import ArgumentError, SourceError

KEY_VARIABLE = "CREDITCORE_HASH_KEY"
"""The environment variable that holds the secret."""
SHORTEST_KEY = 16
"""The fewest bytes of a secret."""


def key_of(secret: bytes) -> bytes | None:
    """Give the key of a secret; None where the secret is too short."""
    bare = secret.strip()
    return hashlib.sha256(bare).digest()[:16] if len(bare) >= SHORTEST_KEY else None


@cache
def random_key() -> bytes:
    """Give the key of this process, where none is told."""
    return secrets.token_bytes(16)


def hash_key(key_file: str | os.PathLike[str] | None = None) -> bytes:
    """Give the key of the hashes.

    Args:
        key_file: a file with the secret; by default the environment variable `CREDITCORE_HASH_KEY`, and
            without it a random key of this process.

    Raises:
        SourceError: a file that cannot be read.
        ArgumentError: a secret of fewer than 16 bytes.
    """
    place, told = f"`{KEY_VARIABLE}`", os.environ.get(KEY_VARIABLE)
    secret = None if told is None else told.encode()
    if key_file is not None:
        place = f"`{os.fspath(key_file)}`"
        try:
            secret = Path(key_file).read_bytes()
        except OSError as error:
            raise SourceError(f"{place}: cannot be read: {error.strerror}") from error
    if secret is None or (key_file is None and not secret.strip()):
        return random_key()
    key = key_of(secret)
    if key is None:
        size = len(secret.strip())
        raise ArgumentError(f"{place}: the hash key has {size} bytes; give {SHORTEST_KEY} or more")
    return key
