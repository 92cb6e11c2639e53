"""Features, models, blends, rules and points in one call, as a folder of models says.

In: a folder, records as frames or files. Out: scored and decided records.
"""

from creditcore.pipeline.pipeline import Pipeline

__all__ = ["Pipeline"]
