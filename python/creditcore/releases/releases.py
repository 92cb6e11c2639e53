"""Releases: dated rankings that can be listed, compared and made again.

Comes in: records and what is ranked, as for `creditcore.rank`. Goes out: a folder with a catalog (SQLite) and
a folder for each release. Law kept: a release is a function of its inputs and its configuration, so `verify`
makes the same bytes; no clock is asked. The form stands in docs/releases.md.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditcore.errors import ArgumentError, SourceError, StateError
from creditcore.ranking import publishing
from creditcore.ranking.detail import load_grades
from creditcore.ranking.publishing import Publish, PublishRules
from creditcore.releases.apart import Used, too_near
from creditcore.releases.making import (
    Made,
    code_versions,
    file_sha256,
    make,
    tree_sha256,
    write_files,
)
from creditcore.releases.records import kept_margins
from creditcore.times import read_day

CATALOG = "catalog.sqlite"
FORM = "2"
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE releases (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, as_of TEXT NOT NULL, score_version TEXT,
    configuration TEXT NOT NULL, method TEXT NOT NULL, population TEXT NOT NULL, code TEXT NOT NULL);
CREATE TABLE files (release TEXT NOT NULL REFERENCES releases, path TEXT NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, PRIMARY KEY (release, path));
CREATE TABLE inputs (release TEXT NOT NULL REFERENCES releases, role TEXT NOT NULL, path TEXT NOT NULL,
    sha256 TEXT NOT NULL, PRIMARY KEY (release, role, path));
"""


@dataclass(frozen=True)
class Release:
    """One release as its catalog tells it; `folder` holds ranking.csv, ranking.parquet and release.json."""

    name: str
    number: int
    as_of: str
    score_version: str | None
    configuration: dict[str, Any]
    method: dict[str, Any]
    population: dict[str, Any]
    code: dict[str, str]
    inputs: list[dict[str, str]]
    files: dict[str, str]
    folder: Path

    def rows(self) -> list[dict[str, Any]]:
        """Give the published rows of all rankings.

        Raises:
            StateError: the release's files are not those that were released.
        """
        self.check_files()
        from creditcore._frame import read_frame

        return read_frame(self.folder / "ranking.parquet").to_dicts()

    def check_files(self) -> None:
        """Compare the files with what the catalog says of them.

        Raises:
            StateError: a file that is missing or differs.
        """
        for name, known in self.files.items():
            path = self.folder / name
            if not path.is_file():
                raise StateError(
                    f"`{path}`: the file of release `{self.name}` is missing; restore the folder from a copy"
                )
            if file_sha256(path) != known:
                raise StateError(
                    f"`{path}`: the file is not the one that was released (its SHA-256 differs); "
                    "restore it from a copy"
                )


class Releases:
    """A folder of releases. Opening it makes nothing; `create` makes the folder where there is none."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Name the folder."""
        self.folder = Path(folder)

    def all(self) -> list[Release]:
        """Give the releases in the order in which they were made.

        Raises:
            StateError: a folder without a catalog, or a catalog that is cut short.
        """
        with self._catalog() as catalog:
            rows = _all(catalog, "SELECT * FROM releases ORDER BY number")
            return [self._release(catalog, row) for row in rows]

    def get(self, name: str) -> Release:
        """Give one release; `latest` is the last one made.

        Raises:
            ArgumentError: no release of that name.
            StateError: see `all`.
        """
        known = self.all()
        found = known[-1:] if name == "latest" else [release for release in known if release.name == name]
        if not found:
            names = ", ".join(f"`{release.name}`" for release in known) or "none"
            raise ArgumentError(f"`{self.folder}` has no release `{name}`; it has {names}")
        return found[0]

    def create(
        self,
        source: str | Sequence[str],
        by: Sequence[str] = ("city", "province", "nation"),
        *,
        as_of: str,
        name: str | None = None,
        publish: Publish | PublishRules = "default",
        score_version: str | None = None,
        population: Mapping[str, Any] | None = None,
        models: str | os.PathLike[str] | None = None,
        policy: str | os.PathLike[str] | None = None,
        min_difference: int | None = None,
        **ranked: Any,
    ) -> Release:
        """Rank records and keep the ranking as a release.

        Args:
            source: paths of records.
            by: what is published together.
            as_of: the day that the release speaks of, `2026-11-23`; never the machine's clock.
            name: of the release; `as_of` by default.
            publish: rules of disclosure.
            score_version: which scores are averaged; by default what the column `score_version` says.
            population: who is in it. Told: `product`, `stage`, `window`, `exclusions`, `max_score_age`,
                `region_source`. Applied, as in `[population]` of a configuration: `kind`, `window_days`
                (up to the day of `as_of`, in `time_zone`), `exclude` (by cause a condition).
            models: what made the scores, for its hash.
            policy: the rules in force, for their hash.
            min_difference: units in which a release must differ from every earlier one, or not at all;
                the rules' `min_shown` by default.
            ranked: further arguments of `creditcore.rank` (`score`, `weight`, `unit`, `margins`, ...).

        Raises:
            ArgumentError: a name that is taken, a day that is none, two score versions, or too small a
                difference to an earlier release.
            StateError: a catalog that is cut short.
            Whatever `creditcore.rank` raises.
        """
        day = read_day(as_of, "as_of").isoformat()
        name = _name(name or day)
        rules = publishing.load(publish)
        assert rules is not None
        paths = [source] if isinstance(source, str | os.PathLike) else list(source)
        paths = [str(Path(path).resolve()) for path in paths]
        if ranked.get("margins") is not None:
            ranked["margins"], tables = kept_margins(ranked["margins"])
        else:
            tables = []
        if ranked.get("grades") is not None:
            ranked["grades"] = load_grades(ranked["grades"])
        configuration = {
            "source": paths,
            "by": list(by),
            "publish": rules.as_record(),
            "score_version": score_version,
            "population": dict(population or {}),
            **{key: value for key, value in ranked.items() if value is not None},
        }
        self._make_folder()
        with self._catalog() as catalog:
            earlier = [self._release(catalog, row) for row in _all(catalog, "SELECT * FROM releases")]
            if any(release.name == name for release in earlier):
                raise ArgumentError(f"`{self.folder}` has a release `{name}` already; give another `name`")
            salt = _all(catalog, "SELECT value FROM meta WHERE key = 'salt'")[0]["value"]
        made = make(configuration, day, bytes.fromhex(salt))
        self._check_apart(made, earlier, min_difference or rules.min_shown)
        roles = {"source": paths, "models": models, "policy": policy, "regions": _region_file(configuration)}
        roles["margins"] = tables
        inputs = [
            {"role": role, "path": str(Path(path).resolve()), "sha256": tree_sha256(Path(path))}
            for role, told in roles.items()
            for path in (told if isinstance(told, list) else [] if told is None else [told])
        ]
        return self._keep(name, day, made, configuration, inputs)

    def verify(self, name: str) -> list[str]:
        """Make a release again from its inputs and compare every byte.

        Returns:
            What differs, in words; nothing where the bytes are the same.

        Raises:
            ArgumentError: no release of that name.
            SourceError: an input that is missing.
            StateError: files of the release that are missing or changed.
        """
        release = self.get(name)
        release.check_files()
        found = []
        for told in release.inputs:
            path = Path(told["path"])
            if not path.exists():
                raise SourceError(
                    f"`{path}`: the {told['role']} of release `{release.name}` is missing; "
                    "put it back, a release is verified with its inputs"
                )
            if tree_sha256(path) != told["sha256"]:
                found.append(f"input `{path}` ({told['role']}) was changed since the release")
        if found:
            return found
        with self._catalog() as catalog:
            salt = _all(catalog, "SELECT value FROM meta WHERE key = 'salt'")[0]["value"]
        made = make(release.configuration, release.as_of, bytes.fromhex(salt))
        again = self.folder / f".verify-{os.getpid()}"
        try:
            files = write_files(again, made)
        finally:
            shutil.rmtree(again, ignore_errors=True)
        found = [
            f"`{path}` comes out different"
            for path in release.files
            if files.get(path) != release.files[path]
        ]
        if found:
            now = code_versions()
            changed = [
                f"{key} was {was}, is {now.get(key)}"
                for key, was in release.code.items()
                if now.get(key) != was
            ]
            found += changed
        return found

    def _keep(
        self, name: str, day: str, made: Made, configuration: dict[str, Any], inputs: list[dict[str, str]]
    ) -> Release:
        fresh = self.folder / f".{name}-{os.getpid()}"
        place = self.folder / name
        if place.exists():
            raise StateError(f"`{place}` is there, but not in the catalog; move it away first")
        moved = False
        try:
            files = write_files(fresh, made)
            sizes = {path: (fresh / path).stat().st_size for path in files}
            _to_disk(fresh)
            with self._catalog() as catalog, catalog:
                number = _all(catalog, "SELECT COALESCE(MAX(number), 0) + 1 AS n FROM releases")[0]["n"]
                told = [configuration, made.method, made.population, code_versions()]
                whole = (
                    name,
                    number,
                    day,
                    made.score_version,
                    *(json.dumps(part, sort_keys=True) for part in told),
                )
                catalog.execute("INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?, ?, ?)", whole)
                rows = [(name, path, sizes[path], sha) for path, sha in files.items()]
                catalog.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", rows)
                of = [(name, told["role"], told["path"], told["sha256"]) for told in inputs]
                catalog.executemany("INSERT INTO inputs VALUES (?, ?, ?, ?)", of)
                # Whole, and on the disk, before the commit: a release is listed only with its files.
                fresh.rename(place)
                moved = True
                _sync(self.folder)
        except BaseException:
            if moved and not self._lists(name):
                shutil.rmtree(place, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return self.get(name)

    def _lists(self, name: str) -> bool:
        with self._catalog() as catalog:
            return bool(_all(catalog, "SELECT name FROM releases WHERE name = ?", name))

    def _check_apart(self, made: Made, earlier: list[Release], least: int) -> None:
        for release in earlier:
            release.check_files()
            cells = too_near(made.used, Used.read(release.folder / "private"), least)
            if cells:
                told = "; ".join(f"{name}: {count}" for name, count in list(cells.items())[:5])
                more = f"; and {len(cells) - 5} more" if len(cells) > 5 else ""
                raise ArgumentError(
                    f"this release differs from release `{release.name}` in fewer than {least} units "
                    f"(and not in none) of what both tell of ({told}{more}): the two together would tell of "
                    "those units; wait and release them together with later ones, publish at a coarser "
                    "level, or hide those cells (a higher `min_shown`)"
                )

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / CATALOG
        if path.exists():
            return
        if any(self.folder.iterdir()):
            raise StateError(
                f"`{self.folder}` holds files, but no `{CATALOG}`; restore it from a copy, or name an "
                "empty folder"
            )
        with closing(sqlite3.connect(path)) as catalog, catalog:
            catalog.executescript(_TABLES)
            rows = [("form", FORM), ("salt", os.urandom(16).hex())]
            catalog.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    @contextmanager
    def _catalog(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / CATALOG
        if not path.is_file():
            raise StateError(
                f"`{self.folder}` has no `{CATALOG}`; name a folder of releases, or create one first"
            )
        try:
            with closing(sqlite3.connect(path)) as catalog:
                catalog.row_factory = sqlite3.Row
                form = _all(catalog, "SELECT value FROM meta WHERE key = 'form'")
                if not form or form[0]["value"] != FORM:
                    raise StateError(
                        f"`{path}`: the catalog is of another form than {FORM}; use the version that made it"
                    )
                yield catalog
        except sqlite3.DatabaseError as error:
            raise StateError(
                f"`{path}`: the catalog cannot be read ({error}); it was cut short or changed, "
                "restore it from a copy"
            ) from error

    def _release(self, catalog: sqlite3.Connection, row: dict[str, Any]) -> Release:
        name = row["name"]
        files = _all(catalog, "SELECT path, sha256 FROM files WHERE release = ? ORDER BY path", name)
        inputs = _all(
            catalog, "SELECT role, path, sha256 FROM inputs WHERE release = ? ORDER BY role, path", name
        )
        told = {key: json.loads(row[key]) for key in ("configuration", "method", "population", "code")}
        plain = {key: row[key] for key in ("name", "number", "as_of", "score_version")}
        return Release(
            **plain,
            **told,
            inputs=inputs,
            files={file["path"]: file["sha256"] for file in files},
            folder=self.folder / name,
        )


def _all(catalog: sqlite3.Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in catalog.execute(query, values).fetchall()]


def _name(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not plain.isalnum() or name.startswith(".") or name == "latest":
        raise ArgumentError(
            f"`{name}` is no name of a release; letters, digits, `-`, `_` and `.` are allowed"
        )
    return name


def _region_file(configuration: dict[str, Any]) -> str | None:
    regions = configuration.get("regions", "china")
    return None if regions in ("china", "none", None) else str(regions)


def _to_disk(folder: Path) -> None:
    """Hand a folder's files to the disk, and the folder and those in it with them."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
