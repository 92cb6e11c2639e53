# Generated from the built module by `make stubs`; do not edit.
"""
The native core of creditcore.
"""

from _typeshed import Incomplete, SupportsGetItem, SupportsLenAndGetItem
from os import PathLike
from typing_extensions import CapsuleType
from typing import Any, Final, SupportsFloat, SupportsIndex, final

__all__ = [
    "__version__",
    "Aggregate",
    "Applied",
    "Bins",
    "Detection",
    "Fleet",
    "FolderLock",
    "Found",
    "Network",
    "Part",
    "Parts",
    "Policy",
    "Ranking",
    "Regions",
    "Replaced",
    "Schema",
    "ScoreCounts",
    "SegmentFile",
    "Source",
    "State",
    "Table",
    "aggregate",
    "calibrate",
    "check_blend",
    "check_calibration",
    "check_files",
    "check_scaling",
    "components",
    "cut_of",
    "edge_totals",
    "evaluate",
    "explain",
    "fingerprint_halves",
    "fingerprints",
    "fit_calibration",
    "identifier_hashes",
    "instruction_set",
    "joined_keys",
    "keyed_hashes",
    "label_free_of",
    "learned_rarities",
    "learned_strength",
    "model_formats",
    "network_of_shown",
    "read_policy",
    "rings_of",
    "score",
    "shown",
    "still_sums",
    "strong_ties",
    "suspicion",
    "types_of",
    "write_log",
]

__version__: Final[str]

@final
class Aggregate:
    """
    Exact sums of every grouping of a plan.
    """
    @staticmethod
    def from_bytes(data: bytes) -> Aggregate:
        """
        Reads the byte form.
        """
    def merged(self, /, other: Aggregate) -> Aggregate:
        """
        The sums of both.
        """
    def plan(self, /) -> str:
        """
        The plan, as JSON.
        """
    def rank(
        self,
        /,
        grouping: SupportsIndex,
        level: str,
        regions: Regions | None = None,
        *,
        min_n: SupportsIndex = 1,
        rules: str | None = None,
        levels: SupportsGetItem[int, str] = ...,
    ) -> Ranking:
        """
        Ranks one grouping; `levels` are published together with `level` by `rules` (JSON).
        """
    def retracted(self, /, other: Aggregate) -> Aggregate:
        """
        The sums without the other's.
        """
    def to_bytes(self, /) -> bytes:
        """
        The byte form: equal sums have equal bytes.
        """

@final
class Applied:
    """
    Features, and what happened to their values.
    """
    def counts(self, /) -> "list[dict[str, object]]":
        """
        For each feature its counts, as plain records.
        """
    def faults(self, /) -> list[tuple[int, str, int, int, str]]:
        """
        The first faults: row, feature, line and column of its expression, what.
        """
    def rows(self, /) -> int:
        """
        How many rows.
        """
    def table(self, /) -> Table:
        """
        The columns.
        """

@final
class Bins:
    """
    The bins of some columns of a fleet.
    """
    def columns(self, /) -> list[str]:
        """
        The names of the columns.
        """
    def fits(self, /, frame: Incomplete) -> bool:
        """
        Whether the first column of a frame holds bins of these columns and cuts, row by row.
        """
    def of(self, /, frame: Incomplete, *, threads: SupportsIndex | None = None) -> Table:
        """
        The bins of some rows, a list for each in one column (`bins`).
        """

@final
class Detection:
    """
    The features of a network's people, and what follows from them.
    """
    def features(self, /) -> Table:
        """
        `key` and the features, in the order of keys.
        """
    def label_free(self, /) -> Table:
        """
        The label-free score of each person.
        """
    def listed(self, /, list: Network) -> Table:
        """
        For each person, in the order of keys, how many identifiers of another network it shows.
        """
    @staticmethod
    def of(
        network: Network,
        tau: SupportsFloat | SupportsIndex,
        at: bool,
        *,
        threads: SupportsIndex | None = None,
    ) -> Detection:
        """
        Computes the features as of now, or as they were known at each person's time.
        """
    def pairs(
        self,
        /,
        scores: Incomplete,
        cut: SupportsFloat | SupportsIndex,
        *,
        threads: SupportsIndex | None = None,
    ) -> Table:
        """
        `one`, `other` (numbers of people in the order of keys) and what is told of each tie between those who pass.
        """
    def rings(
        self,
        /,
        scores: Incomplete,
        known: Incomplete,
        cut: SupportsFloat | SupportsIndex,
        resolution: SupportsIndex,
        *,
        loose: SupportsFloat | SupportsIndex | None = None,
        given: Incomplete | None = None,
        listed: Incomplete | None = None,
        learned: bool = False,
        threads: SupportsIndex | None = None,
    ) -> tuple[Table, Table]:
        """
        The groups among people whose score is at or above the cut: their members, and a row for each group. `given`
        says of each person the group, 2^32 - 1 for none; nothing is then clustered. With `loose`, a lower cut, people
        are clustered several times, and the best groups are chosen.
        """
    def risks(self, /, scores: Incomplete, *, threads: SupportsIndex | None = None) -> Table:
        """
        What the partners' scores say of each person, in the order of keys.
        """
    def spread(self, /, known: Incomplete) -> Table:
        """
        How far known fraud reaches, from 1 for the known themselves.
        """
    def ties(self, /, least: SupportsFloat | SupportsIndex) -> Table:
        """
        `one`, `other` (numbers of people in the order of keys), `weight`: ties of this faded weight or more.
        """

@final
class Fleet:
    """
    Models that are evaluated together.
    """
    def about(self, /) -> str:
        """
        What there is to know about every model, as JSON.
        """
    def bins(self, /, apart: SupportsGetItem[int, str]) -> Bins | None:
        """
        The bins of the columns that are read as numbers alone, some left out; None where there are none.
        """
    def contributions(
        self, /, frame: Incomplete, *, threads: SupportsIndex | None = None, progress: Any | None = None
    ) -> list[tuple[str, list[int], Table]]:
        """
        For every model its name, the lengths behind the rows, and the contributions in one column, row by row.
        """
    def engines(
        self, /, rows: SupportsIndex | None = None
    ) -> list[tuple[str, str, bool, int | None, int | None, bool, str]]:
        """
        For every model what each engine says: model, engine, whether it is taken for a call of `rows` rows (or of
        any number), from how many rows to how many, whether it is built, why.
        """
    def joined(self, /, other: Fleet) -> Fleet:
        """
        A fleet of these models and those of another; ensembles are shared.
        """
    def leaves(
        self, /, frame: Incomplete, *, threads: SupportsIndex | None = None, progress: Any | None = None
    ) -> list[tuple[str, list[int], Table]]:
        """
        For every model its name, the lengths behind the rows, and the leaf numbers in one column, row by row.
        """
    @staticmethod
    def load(declarations: str, *, engine: str | None = None, threads: SupportsIndex | None = None) -> Fleet:
        """
        Reads models from their files by their declarations (JSON).
        """
    def model_names(self, /) -> list[str]:
        """
        The names of the models, in order.
        """
    @staticmethod
    def open(
        path: str, *, engine: str | None = None, threads: SupportsIndex | None = None
    ) -> tuple[Fleet, str]:
        """
        Reads a compiled fleet; gives it and what was declared when it was saved (JSON).
        """
    def output_names(self, /) -> list[str]:
        """
        The names of the outputs, in order.
        """
    def predict(
        self,
        /,
        frame: Incomplete,
        transformed: bool,
        *,
        fast: bool = False,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
        binned: tuple[Bins, str] | None = None,
    ) -> Table:
        """
        The outputs of every model; `transformed` by the library's own transform, `fast` where that may differ. Columns
        that have bins come as these, in the column that `binned` names.
        """
    def predict_into(
        self,
        /,
        frame: Incomplete,
        transformed: bool,
        out: Incomplete,
        *,
        fast: bool = False,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> None:
        """
        The outputs of every model into an array of rows by outputs; NaN where a model does not apply.
        """
    def predict_one(self, /, record: Any, transformed: bool) -> Any:
        """
        The outputs of every model for one record; dict to dict.
        """
    def prepare(self, /, rows: SupportsIndex | None = None, *, threads: SupportsIndex | None = None) -> None:
        """
        Builds the engines that are the best for calls of `rows` rows, or of any number.
        """
    def probes(self, /, model: SupportsIndex) -> list[list[float]]:
        """
        For each feature of a model values that try its decisions: on its cuts, beside them, and odd ones.
        """
    def save(self, /, path: str, declared: str) -> None:
        """
        Writes a compiled fleet, with what is declared of it (JSON).
        """
    def subset(self, /, models: SupportsGetItem[int, SupportsIndex]) -> Fleet:
        """
        A fleet of some of the models, in the order given; ensembles are shared.
        """
    def unseen(self, /, frame: Incomplete) -> list[tuple[str, str, str, int]]:
        """
        Category values that models do not know: model, feature, value, rows.
        """

@final
class FolderLock:
    """
    The right to write to a folder, until it is given back.
    """
    def __new__(cls, /, folder: str | PathLike[str]) -> FolderLock:
        """
        Takes it.
        """
    def release(self, /) -> None:
        """
        Gives it back.
        """

@final
class Found:
    """
    Records that were found, in the order of their rows.
    """
    def asked(self, /) -> Table:
        """
        For each record the place of its key among those asked for (`asked`).
        """

@final
class Network:
    """
    People, the identifiers that they share, and the links between them.
    """
    @staticmethod
    def build(
        source: Source,
        plan: str,
        hash_key: bytes,
        *,
        changing: bool = False,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> Network:
        """
        Builds the network of a source by a plan (JSON); one that is `changing` is made for updates at once.
        """
    def components(
        self, /, *, cap: SupportsIndex | None = None, threads: SupportsIndex | None = None
    ) -> Table:
        """
        `key`, `component`, in the order of keys.
        """
    def counts(self, /) -> tuple[int, int] | None:
        """
        How many people and links there are; nothing where telling would take long.
        """
    def fit(self, /) -> Network:
        """
        The network with the strengths that its data teaches.
        """
    @staticmethod
    def from_bytes(data: bytes, *, threads: SupportsIndex | None = None) -> Network:
        """
        Reads the byte form.
        """
    def hubs(self, /) -> Table:
        """
        `type`, `identifier` (its hash), `people`: identifiers beyond their type's cap, the largest first.
        """
    def neighbours(self, /, key: Any, hops: SupportsIndex) -> Table:
        """
        `key`, `hops`: the people near one, the nearest first.
        """
    def path(self, /, first: Any, last: Any) -> Table:
        """
        `key`, `type`, `identifier` (its hash), `people`: the steps of a shortest path.
        """
    def placeholders(self, /) -> dict[str, dict[str, int]]:
        """
        Placeholders met while rows were read, by type, with how often.
        """
    def plan(self, /) -> str:
        """
        The plan, its configuration complete, as JSON.
        """
    def shared_among(self, /, keys: SupportsGetItem[int, Any]) -> Table:
        """
        `key`, `type`, `identifier` (its hash), `role`, `time` (seconds since 1970): identifiers that several of some
        people show.
        """
    def sizes(self, /) -> tuple[int, int, int, int, int]:
        """
        How many people, links of all identifiers, kept identifiers, kept links, and bytes of the kept links.
        """
    def to_bytes(self, /) -> bytes:
        """
        The byte form: equal networks have equal bytes.
        """
    def types(self, /) -> list[tuple[str, int, int, int, int]]:
        """
        For each type its name, people who show it, people who share it, hubs and links of hubs.
        """
    def update(
        self,
        /,
        delta: Source | None,
        hash_key: bytes,
        *,
        expire_before: SupportsIndex | None = None,
        features: SupportsFloat | SupportsIndex | None = None,
        only: SupportsGetItem[int, str] | None = None,
        then: SupportsFloat | SupportsIndex | None = None,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> tuple[Network, Table, Table | None, Table | None]:
        """
        The network after a delta, what changed (`key`, `change`), and, where a decay is given, the features as of now
        that changed (all, or `only` some by name), and those as known at the records' own times that may have.
        """

@final
class Part:
    """
    Some records with all that the state keeps of them.
    """
    def records(self, /) -> Table:
        """
        The records.
        """

@final
class Parts:
    """
    The parts of a source.
    """
    def __iter__(self, /) -> Parts: ...
    def __next__(self, /) -> tuple[Table, str, int]:
        """
        The next part: its columns under their places (`0`, `1`, ...), its file, the number of its first row from 0.
        """

@final
class Policy:
    """
    Tactics of rules.
    """
    def backtest(
        self,
        /,
        source: Source,
        label: str,
        amount: str | None,
        period: str | None,
        mature: str | None,
        against: Policy | None,
        *,
        words: tuple[str, str | None] | None = None,
        per: str | None = None,
        day: SupportsIndex | None = None,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> "dict[str, object]":
        """
        Runs the policy over history: plain counts, and the texts of the periods.
        """
    def check(
        self,
        /,
        columns: SupportsGetItem[int, tuple[str, str]] | None = None,
        *,
        day: SupportsIndex | None = None,
    ) -> list[tuple[str, str, str | None, str, tuple[int, int] | None, str, str | None]]:
        """
        Checks the policy against columns (name and type), and a day.
        """
    def columns(self, /) -> list[str]:
        """
        The columns that rules name, in file order.
        """
    def days(self, /) -> list[tuple[int | None, int | None]]:
        """
        The first and the last day of each rule that has one, in days since 1970.
        """
    def decide(
        self,
        /,
        source: Source,
        *,
        day: SupportsIndex | None = None,
        language: str = "en",
        shadow: bool = False,
        categories: bool = False,
        golden: bool = False,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> Table:
        """
        Decides the records of a source.
        """
    def failing(self, /) -> list[tuple[str, str, str | None, str, tuple[int, int] | None, str, str | None]]:
        """
        Runs the tests of the rules; those that fail.
        """
    def has_days(self, /) -> bool:
        """
        Whether rules are in force on some days only.
        """
    def kinds(self, /) -> dict[str, str]:
        """
        The types that conditions ask of their columns, where they ask for one.
        """
    def roles(self, /) -> list[tuple[str, str]]:
        """
        The columns that rules name with the roles that they are read in: `number`, `key`.
        """
    def rules(self, /) -> "list[dict[str, object]]":
        """
        The rules, as plain records in file order.
        """
    def tally(
        self,
        /,
        source: Source,
        *,
        day: SupportsIndex | None = None,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> tuple[int, int, int, list[int], list[int]]:
        """
        Counts decisions and hits: records, reject, review, hits of each rule, errors of each rule.
        """
    def time_zone(self, /) -> str | None:
        """
        The zone of the clock that days and hours are read from.
        """
    def to_sql(
        self, /, dialect: str, table: str, columns: SupportsGetItem[int, tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """
        The query of every rule, by id.
        """
    def trace(self, /, source: Source) -> list[tuple[int, bool | None, bool, list[str]]]:
        """
        What every rule says of the only record of a source: position, truth, hit, errors.
        """
    def unfit(
        self, /, columns: SupportsGetItem[int, tuple[str, str]]
    ) -> list[tuple[str, str, str | None, str, tuple[int, int] | None, str, str | None]]:
        """
        The conditions that do not fit columns (name and type).
        """

@final
class Ranking:
    """
    Ranked rows, with what was left out. An Arrow stream: any frame library takes it.
    """
    def __arrow_c_stream__(self, /, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """
        The rows, as an Arrow C stream.
        """
    def at(
        self, /, confidence: SupportsFloat | SupportsIndex, draws: SupportsIndex, seed: SupportsIndex
    ) -> Ranking:
        """
        The same rows, with intervals of another confidence, or from other draws.
        """
    def by(self, /) -> str:
        """
        What the ranking is by.
        """
    def columns(self, /) -> "dict[str, list[object]]":
        """
        The rows' columns as plain lists, for tables and text; frames take the Arrow stream instead.
        """
    def confidence(self, /) -> tuple[float, int, int]:
        """
        How sure the intervals are, and from how many draws of which seed.
        """
    def excluded(self, /) -> dict[str, int]:
        """
        Counts of rows left out, by cause.
        """
    def marginal_places(self, /) -> list[tuple[int, int] | None]:
        """
        For each row its best and worst place, each interval holding for its row alone.
        """
    def not_distinguishable(self, /, code: str) -> list[str] | None:
        """
        The codes of the rows that a row cannot be told from, its own among them; none where that is not known.
        """
    def records(self, /) -> int:
        """
        Rows of the source.
        """
    def unresolved(self, /) -> list[tuple[str, str, int]]:
        """
        Values that are no region: value, cause, rows; the most frequent first.
        """
    def with_errors(self, /, errors: SupportsGetItem[int, SupportsFloat | SupportsIndex | None]) -> Ranking:
        """
        The same rows with other standard errors, in their order; a hidden row keeps none.
        """
    def without_data(self, /) -> list[tuple[str, str]]:
        """
        Regions without any record: code and name.
        """

@final
class Regions:
    """
    A table of regions: levels, families, names and codes.
    """
    def families(self, /) -> list[str]:
        """
        The families: groupings of regions that are no level.
        """
    def levels(self, /) -> list[str]:
        """
        The levels, coarse to fine.
        """
    @staticmethod
    def load(path: str | PathLike[str], aliases: str | PathLike[str] | None = None) -> Regions:
        """
        Reads a table from CSV files: the regions, and further codes and names for them.
        """
    def members(self, /, values: SupportsGetItem[int, str], level: str) -> list[tuple[str, str]]:
        """
        For each value that is resolved the units of a level or family that it counts in: (value, unit's code).
        """

@final
class Replaced:
    """
    Rows that others took the place of.
    """
    def sizes(self, /) -> tuple[int, int]:
        """
        How many are to be kept as a whole, and of how many only what moves.
        """

@final
class Schema:
    """
    Names, sources, types and codes of features.
    """
    def apply(
        self,
        /,
        source: Source,
        keep: SupportsGetItem[int, str],
        *,
        threads: SupportsIndex | None = None,
        progress: Any | None = None,
    ) -> Applied:
        """
        Computes the features of a source.
        """
    @staticmethod
    def from_json(text: str, place: str) -> Schema:
        """
        Reads a schema from JSON; `place` names it in errors.
        """
    def sources(self, /) -> list[str]:
        """
        The columns that a source must have.
        """

@final
class ScoreCounts:
    """
    Goods and bads by score.
    """
    def auc(self, /) -> float:
        """
        The area under the ROC curve.
        """
    def distinct(self, /) -> int:
        """
        How many different scores there are.
        """
    def excluded(self, /) -> dict[str, int]:
        """
        Records that are not, by cause.
        """
    def gini(self, /) -> float:
        """
        2 AUC - 1.
        """
    def ks(self, /) -> float:
        """
        The greatest distance of the two distribution functions.
        """
    def merged(self, /, other: ScoreCounts) -> ScoreCounts:
        """
        The counts of both.
        """
    @staticmethod
    def of(records: Source, *, threads: SupportsIndex | None = None) -> ScoreCounts:
        """
        Counts records with the columns `score`, `outcome` and `weight`, the last two of which may be absent.
        """
    def psi(
        self, /, actual: ScoreCounts, edges: SupportsGetItem[int, SupportsFloat | SupportsIndex]
    ) -> float:
        """
        The population stability index against these records, over bins with the given upper edges.
        """
    def quantiles(self, /, bins: SupportsIndex) -> list[float]:
        """
        Upper edges of bins of equal shares.
        """
    def used(self, /) -> int:
        """
        Records that are counted.
        """

@final
class SegmentFile:
    """
    A file of rows of a portfolio's state.
    """
    def __new__(cls, /, path: str | PathLike[str]) -> SegmentFile:
        """
        Maps a file.
        """
    def names(self, /) -> list[str]:
        """
        The names of the columns, those of the state's own among them.
        """
    def part(self, /, columns: SupportsGetItem[int, str], start: SupportsIndex, rows: SupportsIndex) -> Table:
        """
        Rows behind each other in some columns, in the types of the state.
        """
    def picked(
        self, /, columns: SupportsGetItem[int, str], rows: SupportsGetItem[int, SupportsIndex]
    ) -> Table:
        """
        Some rows in some columns, in the types of the state.
        """
    def rows(self, /) -> int:
        """
        How many rows there are.
        """

@final
class Source:
    """
    A source of records: files on disk, or a frame in memory.
    """
    def column_names(self, /) -> list[str]:
        """
        The names of the columns, in their order.
        """
    @staticmethod
    def files(
        paths: SupportsGetItem[int, str],
        *,
        encoding: str | None = None,
        delimiter: SupportsIndex | None = None,
    ) -> Source:
        """
        Opens Parquet, CSV or Arrow IPC files.
        """
    @staticmethod
    def frame(frame: Incomplete) -> Source:
        """
        Takes a frame that speaks Arrow's C stream interface, without a copy.
        """
    def parts(self, /, columns: SupportsGetItem[int, tuple[str, str]]) -> Parts:
        """
        Reads columns (name and role: `number`, `key`) part by part, in order.
        """
    def rows(self, /) -> int | None:
        """
        How many rows there are, where that is known without reading them.
        """

@final
class State:
    """
    The records of a portfolio, their index and their sums.
    """
    def apply(self, /) -> None:
        """
        Puts what was written into memory.
        """
    def checkpoint(self, /, number: SupportsIndex) -> str:
        """
        Writes what is in memory; gives the checkpoint (JSON).
        """
    def compact(self, /, first_number: SupportsIndex) -> str:
        """
        Writes the records alone; gives segments and checkpoint (JSON).
        """
    def discard(self, /) -> None:
        """
        Forgets what is staged.
        """
    def find(self, /, keys: Source, columns: SupportsGetItem[int, str] | None = None) -> Table:
        """
        The records of the keys of a source, or some of their columns.
        """
    def fingerprint(self, /) -> tuple[bytes, bytes, int]:
        """
        What stands for the state after what is staged: the sum of the records' hashes, the bytes of the sums, and
        how many records there are.
        """
    def ingest(self, /, source: Source, first_number: SupportsIndex, *, progress: Any | None = None) -> str:
        """
        Takes in a source of any size; gives the segments written and the counts (JSON).
        """
    def look_up(self, /, keys: Source) -> Found:
        """
        Finds the records of the keys of a source.
        """
    def make_ready(self, /) -> None:
        """
        Has the index ready to be written everywhere, and what records near a change are read for mapped.
        """
    @staticmethod
    def open(
        folder: str | PathLike[str],
        manifest: str,
        regions: Regions | None = None,
        *,
        threads: SupportsIndex | None = None,
        verify: bool = True,
    ) -> State:
        """
        Opens a state by its manifest (JSON).
        """
    def part(
        self,
        /,
        found: Found,
        start: SupportsIndex,
        rows: SupportsIndex,
        columns: SupportsGetItem[int, str] | None = None,
        *,
        threads: SupportsIndex | None = None,
    ) -> Part:
        """
        Gathers some of the records that were found, in all columns, or in some of them and in those that a change needs.
        Several may be gathered at once.
        """
    def renew(self, /, part: Part, made: Source) -> None:
        """
        Notes what is made of some records of a part now: `_at` says which of them a row is of.
        """
    def replaced(self, /, *, every: bool = False) -> Replaced:
        """
        The rows that others took the place of, or `every` row that was a record once.
        """
    def replaced_rows(
        self,
        /,
        replaced: Replaced,
        moved: bool,
        start: SupportsIndex,
        rows: SupportsIndex,
        columns: SupportsGetItem[int, str],
    ) -> Table:
        """
        Some of the rows that others took the place of, those to be kept as a whole or those that `moved`, in some columns;
        with the fingerprints of their inputs (`_inputs`) where these have two halves.
        """
    def scan(self, /, columns: SupportsGetItem[int, str] | None = None) -> Table:
        """
        All records, or some of their columns.
        """
    def sift(self, /, delta: Source) -> tuple[str, Table]:
        """
        Gives counts (JSON) and the rows of a delta that count, in the types of the state, with `_row` and `_deleted`.
        """
    def sizes(self, /) -> tuple[int, int, int]:
        """
        How many records and rows there are, and bytes of the index beside its file.
        """
    def stage(self, /, delta: Source | None = None) -> str:
        """
        Finds out what a delta changes, and what was renewed; gives counts and seconds by stage (JSON).
        """
    def staged(self, /, columns: SupportsGetItem[int, str]) -> list[list[Table]]:
        """
        The records that are staged for both files, in some of their columns; where it is known what they say, with the
        fingerprints of their inputs (`_inputs`).
        """
    def sums(self, /) -> Aggregate:
        """
        The exact sums of all records.
        """
    def write(self, /, file: str, second: str) -> str:
        """
        Writes what is staged to one file, or two; gives the segments (JSON), none where nothing changes.
        """

@final
class Table:
    """
    Rows of one schema; an Arrow stream.
    """
    def __arrow_c_stream__(self, /, requested_schema: CapsuleType | None = None) -> CapsuleType:
        """
        The rows, as an Arrow C stream.
        """

def aggregate(
    source: Source,
    plan: str,
    regions: Regions | None = None,
    *,
    threads: SupportsIndex | None = None,
    progress: Any | None = None,
) -> Aggregate:
    """
    Aggregates a source by a plan (JSON).
    """

def calibrate(calibration: str, records: Source, *, output: str = "probability") -> Table:
    """
    Applies a calibration (JSON) to the column `score`.
    """

def check_blend(blend: str) -> None:
    """
    Checks a blend (JSON).
    """

def check_calibration(calibration: str) -> str:
    """
    Checks a calibration (JSON).
    """

def check_files(folder: str | PathLike[str], files: str, *, contents: bool) -> None:
    """
    Compares files (JSON) of a folder with their lengths and, where `contents` says so, their checksums.
    """

def check_scaling(
    scale: tuple[
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex | None,
        SupportsFloat | SupportsIndex | None,
    ],
) -> None:
    """
    Checks a scaling.
    """

def components(
    source: Source,
    plan: str,
    hash_key: bytes,
    *,
    cap: SupportsIndex | None = None,
    threads: SupportsIndex | None = None,
    progress: Any | None = None,
) -> tuple[Table, dict[str, dict[str, int]]]:
    """
    The connected components of a source's people: `key`, `component`, and the placeholders met by type.
    """

def cut_of(scores: Incomplete, share: SupportsFloat | SupportsIndex) -> float:
    """
    A score that a share of people reaches.
    """

def edge_totals(
    network: Network,
    tau: SupportsFloat | SupportsIndex,
    scores: Incomplete,
    cut: SupportsFloat | SupportsIndex,
    loose: SupportsFloat | SupportsIndex | None,
) -> list[int]:
    """
    Twice the weight of all edges between those at or above the cut, and between those at or above the loose one.
    """

def evaluate(
    condition: str, source: Source, *, nan: str = "null", threads: SupportsIndex | None = None
) -> tuple[Table, list[tuple[int, int, int, str]]]:
    """
    Evaluates a condition over a source: the truths, and the faults as (row, line, column, what).
    """

def explain(
    contributions: SupportsGetItem[int, Source],
    scores: Source,
    blend: str,
    scale: tuple[
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex | None,
        SupportsFloat | SupportsIndex | None,
    ],
    decisions: Source | None = None,
    *,
    most: SupportsIndex = 4,
) -> tuple[Table, Table]:
    """
    Explains scores: the parts of each, and its adverse reasons.
    """

def fingerprint_halves(
    source: Source,
    standing: SupportsGetItem[int, str],
    moving: SupportsGetItem[int, str],
    *,
    threads: SupportsIndex | None = None,
) -> Table:
    """
    Fingerprints in two halves, of columns that stand still and of those that move; texts come as they are.
    """

def fingerprints(
    source: Source, names: SupportsGetItem[int, str], *, threads: SupportsIndex | None = None
) -> Table:
    """
    Fingerprints of columns (`inputs`): for each row SHA-256 over the columns of some names, 128 bits in hexadecimal
    digits; texts come as columns of 16 bytes, and a column that is not there is one of nulls.
    """

def fit_calibration(
    kind: str, records: Source, *, output: str = "probability", threads: SupportsIndex | None = None
) -> tuple[str, dict[str, int]]:
    """
    Learns a calibration (`platt` or `isotonic`) from `score` and `outcome`; gives it as JSON, and the counts
    of records left out.
    """

def identifier_hashes(source: Source, plan: str, hash_key: bytes) -> list[Table]:
    """
    For each column of identifiers of a plan, in its order, the hashes that a source's rows show.
    """

def instruction_set() -> str:
    """
    The instruction set that the kernels use.
    """

def joined_keys(one: Incomplete, other: Incomplete) -> Table:
    """
    `key`, `component`: each key of some pairs once, ascending, with the smallest key of its set.
    """

def keyed_hashes(values: SupportsGetItem[int, str], key: SupportsGetItem[int, SupportsIndex]) -> list[int]:
    """
    The keyed hashes of values, as a list file writes them.
    """

def label_free_of(strengths: Incomplete, triangles: Incomplete) -> Table:
    """
    The label-free scores of strengths and triangles.
    """

def learned_rarities(
    people: SupportsIndex, by_band: SupportsGetItem[int, SupportsIndex], cap: SupportsIndex
) -> list[float]:
    """
    The rarities that a type learns, by band, of how many people share an identifier of each band.
    """

def learned_strength(people: SupportsIndex, sharing: SupportsIndex) -> float:
    """
    The strength that a type learns of how many people share an identifier of it.
    """

def model_formats() -> list[str]:
    """
    The formats of model files that can be read.
    """

def network_of_shown(
    plan: str,
    keys: Incomplete,
    times: Incomplete,
    places: Incomplete,
    kinds: Incomplete,
    hashes: Incomplete,
    *,
    threads: SupportsIndex | None = None,
) -> Network:
    """
    The network of columns as `shown` gives them, by a plan (JSON).
    """

def read_policy(
    text: str,
    named: SupportsGetItem[int, tuple[str, str | None, SupportsGetItem[int, str], bool]],
    key: SupportsGetItem[int, SupportsIndex],
) -> tuple[Policy | None, list[tuple[str, str, str | None, str, tuple[int, int] | None, str, str | None]]]:
    """
    Reads a policy from JSON: the policy, where nothing is wrong with it, and what is.
    """

def rings_of(
    network: Network,
    tau: SupportsFloat | SupportsIndex,
    scores: Incomplete,
    known: Incomplete,
    cut: SupportsFloat | SupportsIndex,
    resolution: SupportsIndex,
    totals: SupportsLenAndGetItem[SupportsIndex],
    *,
    loose: SupportsFloat | SupportsIndex | None = None,
    threads: SupportsIndex | None = None,
) -> tuple[Table, Table]:
    """
    The groups of whole components of a network whose edges have these totals: their members, and a row for each.
    """

def score(
    predictions: Source,
    blend: str,
    scale: tuple[
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex,
        SupportsFloat | SupportsIndex | None,
        SupportsFloat | SupportsIndex | None,
    ],
    decisions: Source | None = None,
    *,
    output: str = "probability",
    still: bool = False,
    threads: SupportsIndex | None = None,
    progress: Any | None = None,
) -> Table:
    """
    Scores predictions: `fraud_p`, `pd`, `points_model`, `points_final`.
    """

def shown(network: Network) -> Table:
    """
    `key`, `time`, `place`, `kind`, `hash`: who shows what, in the order of keys.
    """

def still_sums(
    predictions: Source, blend: str, *, output: str = "probability", threads: SupportsIndex | None = None
) -> Table:
    """
    The sums of log-odds of the models that predictions have columns of: `still_fraud`, `still_fraud_weight`,
    `still_credit`, `still_credit_weight`.
    """

def strong_ties(
    network: Network, tau: SupportsFloat | SupportsIndex, people: Incomplete
) -> tuple[Table, Table]:
    """
    The strong ties of some people: `key`, `strength`, `end`, and a column of partners, each one's ascending up to `end`.
    """

def suspicion(scores: Incomplete, cut: SupportsFloat | SupportsIndex) -> Table:
    """
    Scores as figures between 0 and 1 that are 1/2 at the cut.
    """

def types_of(network: Network) -> list[tuple[str, int]]:
    """
    The types of a network, in the order of their numbers: name, and people up to which an identifier links.
    """

def write_log(
    frame: Incomplete,
    path: str | PathLike[str],
    plain: SupportsGetItem[int, str],
    *,
    threads: SupportsIndex | None = None,
) -> tuple[int, int]:
    """
    Writes rows of a log of decisions to a new file; gives its length and checksum. Columns of `plain` get no dictionary.
    """
