"""What can go wrong with the disk and what lies on it. All of it stops a node; each says where and
what to do.

    StorageError
    ├── StoreLocked        another process has it open
    ├── StoreMissing       there is none, and none may be made silently
    ├── StoreCorrupt       what was read is not what was written
    ├── StoreWriteFailed   the disk refused; never retried
    └── ProofInvalid       a Merkle proof does not prove what it claims
"""


class StorageError(Exception):
    """The root of this package's errors."""


class StoreLocked(StorageError):
    """Another process has the store open."""


class StoreMissing(StorageError):
    """There is no store where one was expected."""


class StoreCorrupt(StorageError):
    """What was read is not what was written."""


class StoreWriteFailed(StorageError):
    """A write or a sync failed. The process must stop: nobody knows what the disk holds now."""


class ProofInvalid(StorageError):
    """A proof does not prove what it claims; the message says which rule it breaks."""
