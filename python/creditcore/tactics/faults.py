"""What is wrong with a policy, told with its place in the policy's file.

Comes in: findings and errors of the native core, which know paths into the policy's data
(`/tactics/0/rules/2`) and places inside a condition's text. Goes out: findings and errors with file, line,
column, a caret and a hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from creditcore.documents import Places, with_caret
from creditcore.errors import TacticError
from creditcore.tactics.data import Finding

if TYPE_CHECKING:
    from creditcore import _core


class Faults:
    """Turns paths into places of a file; immutable."""

    def __init__(self, place: str, places: Places | None) -> None:
        """Say how the policy is called, and where its values stand; None for plain data."""
        self._place, self._places = place, places

    def finding(self, told: Any) -> Finding:
        """Give a finding of the native core with its place."""
        level, code, subject, path, span, text, hint = told
        if self._places is None:
            line, column = span or (1, 1)
            return Finding(level, code, subject, text, hint, f"{self._place}{path}", line, column, "")
        line, column = self._places.find(path, span)
        shown = with_caret(self._places.line(line), column)
        return Finding(level, code, subject, text, hint, self._place, line, column, shown)

    def refuse(self, told: Sequence[Any]) -> None:
        """Raise an error of everything that was found, if anything was."""
        if told:
            raise _error([self.finding(one) for one in told])

    def of_rule(self, error: TacticError, policy: _core.Policy) -> TacticError:
        """Give an error of a rule's condition with its place in the policy."""
        rule = next((rule for rule in policy.rules() if rule["id"] == error.rule), None)
        if rule is None:
            return error
        subject = f"rule `{error.rule}`"
        text = str(error).partition(f"{subject}: ")[2]
        span = (error.line or 1, error.column or 1)
        made = _error([self.finding(("error", "types", subject, f"{rule['path']}/when", span, text, None))])
        made.hint, made.rule = error.hint, error.rule
        return made


def _error(found: list[Finding]) -> TacticError:
    first = found[0]
    more = f"\nand {len(found) - 1} more" if len(found) > 1 else ""
    error = TacticError(f"{first}{more}")
    error.line, error.column, error.hint = first.line, first.column, first.hint
    error.findings = found
    return error
