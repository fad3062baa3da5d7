"""The files of a directory, as documents to notarise: key, SHA-256, and what was left out and why.

Left out: version control, virtual environments, caches, devnets; symbolic links, which are not
followed; whatever is no plain file or cannot be read.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from urbanchain.contracts.records import KEY_BYTES_MAX
from urbanchain.devnet.errors import DemoFailed

_VERSION_CONTROL = frozenset((".git", ".hg", ".svn"))
_CACHES = frozenset(
    (".cache", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__")
)
_OTHERS_WORK = frozenset((".cluster-failures", ".devnet", ".nox", ".tox", ".venv", "node_modules"))
SKIPPED_DIRECTORIES = _VERSION_CONTROL | _CACHES | _OTHERS_WORK
_MARKERS = ("CACHEDIR.TAG", "pyvenv.cfg")
"""Files by which caches (bford.info/cachedir) and virtual environments say what they are."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was when it was recorded."""

    path: Path
    key: str
    """Under which it is recorded: its path below the directory, or a hash of it."""
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Survey:
    """What a directory holds."""

    root: Path
    documents: tuple[Document, ...]
    """In the order of their paths."""
    skipped: dict[str, int]
    """How many were left out, by reason."""
    renamed: int
    """How many have a key that is a hash, because their path is no valid one."""


def survey(root: Path, on_file: Callable[[], None] = lambda: None) -> Survey:
    """Hash every file of a directory. Raises DemoFailed if there is none, FileNotFoundError."""
    if not root.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such directory", str(root))
    documents: list[Document] = []
    skipped: Counter[str] = Counter()
    for path in _walk(root, skipped):
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").digest()
        except OSError:
            skipped["unreadable"] += 1
            continue
        documents.append(Document(path, key_of(path.relative_to(root)), digest))
        on_file()
    if not documents:
        left_out = ", ".join(f"{count} {why}" for why, count in skipped.items())
        raise DemoFailed(f"{root} has no file to notarise" + (f" ({left_out})" * bool(left_out)))
    renamed = sum(1 for document in documents if document.key.startswith("sha256:"))
    return Survey(root, tuple(documents), dict(skipped), renamed)


def key_of(relative: Path) -> str:
    """The record's key of a file: its path, or `sha256:` and a hash if that is too long, not
    UTF-8, or has control characters."""
    raw = os.fsencode(relative)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    is_plain = all(character >= " " and character != "\x7f" for character in text)
    fits = len(raw) <= KEY_BYTES_MAX and not text.startswith("sha256:")
    return text if text and is_plain and fits else f"sha256:{sha256(raw).hexdigest()}"


def _walk(root: Path, skipped: Counter[str]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        skipped["unreadable"] += 1

    for directory, names, files in os.walk(root, onerror=unreadable):
        here = Path(directory)
        names[:] = sorted(name for name in names if not _is_skipped(here / name, skipped))
        for name in sorted(files):
            path = here / name
            if path.is_symlink():
                skipped["symbolic link"] += 1
            elif path.is_file():
                yield path
            else:
                skipped["no plain file"] += 1


def _is_skipped(directory: Path, skipped: Counter[str]) -> bool:
    if directory.is_symlink():
        skipped["symbolic link"] += 1
        return True
    return directory.name in SKIPPED_DIRECTORIES or any(
        (directory / marker).is_file() for marker in _MARKERS
    )
