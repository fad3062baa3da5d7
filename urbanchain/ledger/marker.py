"""Whose database this is: a mark that an empty store gets and every start compares.

A store of another chain, or of another format, is refused before anything is read from it.
"""

from storage import schema
from storage.kv import KeyValueStore
from urbanchain.errors import ConfigurationError, Problem
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.genesis_state import genesis_batch

FORMAT_VERSION = b"1"
_META_GENESIS = schema.META + b"genesis"
_META_FORMAT = schema.META + b"format"


def check_marker(genesis: GenesisFile, store: KeyValueStore) -> None:
    """Make an empty store this chain's, or check that it is. Raises ConfigurationError."""
    marker = store.get(_META_GENESIS)
    if marker is None:
        batch = genesis_batch(genesis.genesis)
        batch.put(_META_GENESIS, genesis.hash)
        batch.put(_META_FORMAT, FORMAT_VERSION)
        store.write(batch, sync=True)
        return
    if marker != genesis.hash:
        text = (
            f"belongs to the chain of genesis {marker.hex()[:16]}…, not {genesis.hash.hex()[:16]}…;"
            " give the node another data directory or the right genesis file"
        )
        raise ConfigurationError([Problem("data directory", "", text)])
    version = store.get(_META_FORMAT)
    if version != FORMAT_VERSION:
        text = f"has format {version!r}, this release reads {FORMAT_VERSION!r}"
        raise ConfigurationError([Problem("data directory", "", text)])
