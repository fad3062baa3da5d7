"""One command at a time on a devnet: an advisory lock in its directory, dropped when we end."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from urbanchain.devnet.errors import DevnetBusy, DevnetMissing

FILE_NAME = "lock"
TIMEOUT_S = 30.0
_POLL_S = 0.05


@contextmanager
def hold(directory: Path, timeout_s: float = TIMEOUT_S) -> Iterator[None]:
    """Hold the lock of an existing directory; wait for it as long as `timeout_s`.

    Raises DevnetBusy, DevnetMissing if there is no directory (any more)."""
    path = directory / FILE_NAME
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DevnetMissing(directory) from error
        try:
            if _take(descriptor) and _is_same(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() >= deadline:
            raise DevnetBusy(directory)
        time.sleep(_POLL_S)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(descriptor: int, path: Path) -> bool:
    """Whether the file locked is still the one in place: `devnet down` removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
