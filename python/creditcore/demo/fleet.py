"""The packaged fleet: 200 fraud models, 3 credit models and their declarations, in one archive.

Comes in: `fleet.tar.xz` and `fleet.json` beside this module, made by `train`. Goes out: a folder of LightGBM
text files and `fleet.toml`. What is unpacked is what the manifest lists: every name, size and digest is
checked before a byte is kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from creditcore.errors import FormatError, SourceError

ARCHIVE = Path(__file__).parent / "fleet.tar.xz"
MANIFEST = Path(__file__).parent / "fleet.json"
DECLARATIONS, CALIBRATIONS = "fleet.toml", "blend.toml"
LARGEST_ARCHIVE = 6_000_000
LARGEST_MANIFEST = 1 << 20
LARGEST_FILE = 4 << 20
MOST_FILES = 1_000
_NAME = re.compile(r"[a-z0-9_]{1,64}\.(?:txt|toml)")


def manifest(path: Path = MANIFEST) -> dict[str, Any]:
    """Read a manifest: how a fleet was made, and every file's size and digest.

    Raises:
        SourceError: the file cannot be read.
        FormatError: it is no manifest; the text says what is wrong.
    """
    try:
        text = _bytes(path, LARGEST_MANIFEST).decode("utf-8")
        told = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"`{path}`: is no manifest of a fleet: {error}; get the package anew") from error
    files = told.get("files") if isinstance(told, dict) else None
    if not isinstance(files, dict) or not isinstance(told.get("sha256"), str):
        raise FormatError(
            f"`{path}`: is no manifest of a fleet: no `files` and `sha256`; get the package anew"
        )
    if len(files) > MOST_FILES:
        raise FormatError(f"`{path}`: lists {len(files)} files; a fleet has {MOST_FILES} at most")
    for name, entry in files.items():
        _check_entry(path, name, entry)
    assert isinstance(told, dict)
    return told


def unpack(folder: Path, archive: Path = ARCHIVE, listed: Path = MANIFEST) -> Path:
    """Write the fleet's files into a folder.

    Args:
        folder: made where it is missing; files of the same names are replaced.
        archive: the packaged archive, or another.
        listed: its manifest.

    Returns:
        The folder, which `Fleet.load` takes.

    Raises:
        SourceError: a file that cannot be read.
        FormatError: an archive that is not what its manifest says. Nothing is written then.
    """
    told = manifest(listed)
    data = _bytes(archive, LARGEST_ARCHIVE)
    if hashlib.sha256(data).hexdigest() != told["sha256"]:
        raise FormatError(
            f"`{archive}`: is not the archive of `{listed}`: another sha256; get the package anew"
        )
    contents = _contents(archive, data, told["files"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_bytes(text)
    return folder


def pack(contents: Mapping[str, bytes], facts: Mapping[str, Any], archive: Path, listed: Path) -> None:
    """Write an archive and its manifest; the same contents give the same bytes.

    Args:
        contents: files by name.
        facts: what else the manifest tells.
        archive: where the archive goes.
        listed: where the manifest goes.

    Raises:
        FormatError: contents that `unpack` would refuse.
    """
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(contents):
            member = tarfile.TarInfo(name)
            member.size = len(contents[name])
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(contents[name]))
    data = lzma.compress(held.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    if len(data) > LARGEST_ARCHIVE:
        raise FormatError(f"the archive has {len(data)} bytes; the wheel holds {LARGEST_ARCHIVE} at most")
    files = {
        name: {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in sorted(contents.items())
    }
    for name, entry in files.items():
        _check_entry(listed, name, entry)
    told = {**facts, "sha256": hashlib.sha256(data).hexdigest(), "files": files}
    archive.write_bytes(data)
    listed.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _check_entry(path: Path, name: str, entry: Any) -> None:
    """Refuse a file of a manifest that no fleet has."""
    if not _NAME.fullmatch(name):
        raise FormatError(
            f"`{path}`: lists `{name}`; names have small letters, digits and `_`, "
            "and end in `.txt` or `.toml`"
        )
    size = entry.get("bytes") if isinstance(entry, dict) else None
    if not isinstance(size, int) or not 0 < size <= LARGEST_FILE or not isinstance(entry.get("sha256"), str):
        raise FormatError(
            f"`{path}`: `{name}` needs `bytes`, from 1 to {LARGEST_FILE}, and `sha256`; get the package anew"
        )


def _contents(archive: Path, data: bytes, files: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """The files of an archive, each checked against the manifest before it is read."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:xz") as tar:
            for member in tar:
                entry = files.get(member.name)
                if entry is None or not member.isreg() or member.name in found:
                    raise FormatError(f"`{archive}`: holds `{member.name}`, which its manifest does not list")
                if member.size != entry["bytes"]:
                    raise FormatError(
                        f"`{archive}`: `{member.name}` has {member.size} bytes, "
                        f"its manifest says {entry['bytes']}"
                    )
                content = tar.extractfile(member)
                assert content is not None
                text = content.read(member.size)
                if hashlib.sha256(text).hexdigest() != entry["sha256"]:
                    raise FormatError(f"`{archive}`: `{member.name}` is not the file of its manifest")
                found[member.name] = text
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise FormatError(f"`{archive}`: is no archive of a fleet: {error}; get the package anew") from error
    missing = sorted(set(files) - set(found))
    if missing:
        raise FormatError(f"`{archive}`: lacks `{missing[0]}`, which its manifest lists")
    return found


def _bytes(path: Path, most: int) -> bytes:
    """The bytes of a file, if it is no larger than allowed."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise SourceError(f"`{path}`: cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise FormatError(f"`{path}`: is larger than {most} bytes, the most that is read")
    return data
