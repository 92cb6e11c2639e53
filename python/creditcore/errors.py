"""What creditcore raises: one base, one class for each kind of fault.

Comes in: a text made by the native core or by this package. Goes out: an exception whose text names the
file and row, the offending value, what is allowed and what to do. The native core's errors carry the same
names and are turned into these classes in one place.
"""

from collections.abc import Sequence


class CreditcoreError(Exception):
    """Base of every error that creditcore raises on purpose."""


class SourceError(CreditcoreError):
    """A source of records cannot be read, or one of its values is refused."""


class SchemaError(CreditcoreError):
    """A column is missing, doubled, or of a type that its role does not allow."""


class FormatError(CreditcoreError):
    """Bytes or a table follow none of the known formats."""


class ModelError(CreditcoreError):
    """A model file cannot be read, or does not fit its inputs."""


class TacticError(CreditcoreError):
    """A condition, a rule or a policy cannot be read, or does not fit its columns.

    `line` and `column` say where in the text (of a policy: in its file), from 1; `hint` says what to write
    instead, where that is known; `rule` is the id of the rule, where it is one's; `findings` holds everything
    that is wrong with a policy.
    """

    line: int | None = None
    column: int | None = None
    hint: str | None = None
    rule: str | None = None
    findings: Sequence[object] = ()


class StateError(CreditcoreError):
    """A portfolio's state is damaged, locked or of another version."""


class DeltaRefused(StateError):  # noqa: N818 - it says what happened
    """A quality gate refused a delta; the state is as it was, to the byte.

    `findings` holds what the gates found, as plain records.
    """

    findings: Sequence[object] = ()


class ArgumentError(CreditcoreError, ValueError, TypeError):
    """An argument is outside of what is allowed, or of another type; also a `ValueError` and `TypeError`."""


class Cancelled(CreditcoreError):  # noqa: N818 - a stop on request is no error
    """The work was stopped on request."""
