"""Authenticated, bounded, lossy delivery of opaque bytes between known peers. Knows not what its
messages mean.

    async with open_network(config, identity, receiver) as network:
        network.send("validator-1", kind, payload)       # never waits; False if it was dropped
"""

from p2p.errors import LinkBroken, LinkRefused, ListenFailed, P2PError, Reason
from p2p.frames import Drop, MessageKind
from p2p.identity import TlsIdentity, certificate_key, make_certificate
from p2p.limits import Limits
from p2p.network import (
    Network,
    NetworkConfig,
    PeerAddress,
    PeerStatus,
    Receiver,
    listen,
    open_network,
)

__all__ = [
    "Drop",
    "Limits",
    "LinkBroken",
    "LinkRefused",
    "ListenFailed",
    "MessageKind",
    "Network",
    "NetworkConfig",
    "P2PError",
    "PeerAddress",
    "PeerStatus",
    "Reason",
    "Receiver",
    "TlsIdentity",
    "certificate_key",
    "listen",
    "make_certificate",
    "open_network",
]
