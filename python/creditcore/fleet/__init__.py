"""Fleets of models: files of several libraries, evaluated together to the library's own bits.

In: model files, declarations. Out: raw outputs, leaves, contributions, what there is to know of each model.
"""

from creditcore.fleet.fleet import Fleet

__all__ = ["Fleet"]
