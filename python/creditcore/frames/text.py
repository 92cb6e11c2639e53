"""Columns of text files that are kept: numbers where they are written so, text where a digit would be lost.

Comes in: parts of text columns. Goes out: the same columns typed. What the first part says of a column holds
for all: a later value that does not fit is an error, and never another value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditcore.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_NULLS = ("", "\\N")
# No leading zero and no more digits than the type holds: the text can be told from the number again.
_FORMS = {
    "Int64": r"^-?(0|[1-9]\d{0,17})$",
    "Float64": r"^-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,2})?$",
}


class TextColumns:
    """Types of text columns, found in the first part.

    Attributes:
        as_text: columns that stay text.
    """

    def __init__(self, as_text: tuple[str, ...] = ()) -> None:
        """Know nothing yet."""
        self.as_text = as_text
        self._types: dict[str, str] | None = None

    def typed(self, part: pl.DataFrame, file: str, first_row: int) -> pl.DataFrame:
        """Give a part's columns their types.

        Raises:
            SourceError: a value that is no number in a column that began as numbers.
        """
        import polars as pl

        if self._types is None:
            self._types = {name: kind for name in part.columns if (kind := self._type_of(part[name]))}
        for name, kind in self._types.items():
            fits = part[name].is_null() | part[name].is_in(_NULLS) | part[name].str.contains(_FORMS[kind])
            if not fits.all():
                row = (~fits).arg_true()[0]
                raise SourceError(
                    f"`{file}`, row {first_row + row + 1}: column `{name}` began as numbers and holds "
                    f"`{part[name][row]}`; say that it is text (`--text {name}`), or leave it out"
                )
        return part.with_columns(
            pl.col(name).replace(list(_NULLS), None).cast(getattr(pl, kind))
            for name, kind in self._types.items()
        )

    def _type_of(self, column: pl.Series) -> str | None:
        if column.name in self.as_text or str(column.dtype) != "String":
            return None
        values = column.filter(column.is_not_null() & ~column.is_in(_NULLS))
        return next(
            (kind for kind, form in _FORMS.items() if len(values) and values.str.contains(form).all()), None
        )
