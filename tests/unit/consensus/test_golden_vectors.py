"""The bytes that get signed and sent, as literals: they never change."""

from dataclasses import replace

import pytest

from consensus import CommitCertificate, Evidence, ReplicaSet, codec, records
from consensus.messages import Body, Signed, Status, ViewChange
from consensus.records import Accepted, Reached
from tests.unit.consensus.ballots import Ballots

GENESIS = bytes(range(32))
KEYS = tuple(bytes([0xA0 + seat]) * 4 for seat in range(4))
B = Ballots(ReplicaSet(GENESIS, 1, 5, KEYS, 256))
