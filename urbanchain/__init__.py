"""UrbanChain: a permissioned chain composed of a pure PBFT core, a provable ledger and a network.

The three packages it composes (`consensus`, `storage`, `p2p`) know nothing of each other or of this
one; ARCHITECTURE.md shows how a transaction travels through them.
"""

__version__ = "0.1.0"
