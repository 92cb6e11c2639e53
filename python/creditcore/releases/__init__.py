"""Dated rankings that can be listed, compared and made again.

In: rankings. Out: a folder of releases, moves between them and why.
"""

from creditcore.releases.releases import Releases

__all__ = ["Releases"]
