"""From the outputs of models to chances, points and reasons, and how good a score is.

In: predictions, blends, outcomes. Out: `fraud_p`, `pd`, points, reasons that add up, metrics.
"""

from creditcore.scoring.scores import Blend, Scaling, score

__all__ = ["Blend", "Scaling", "score"]
