"""A small city on one real ledger in memory: people with keys, and blocks by hand."""

import base64
import itertools
import json

from p2p import TlsIdentity
from storage.kv import WriteBatch
from storage.memory import MemoryStore
from urbanchain.encoding import Encodable
from urbanchain.genesis import GenesisFile, parse_genesis
from urbanchain.keys import PrivateKey, derive_devnet_key
from urbanchain.ledger.admission import Candidate, Rejection
from urbanchain.ledger.chain import CommittedBlock, Ledger, Proposal
from urbanchain.ledger.reader import Reader
from urbanchain.signatures import SignatureCache
from urbanchain.transactions import Transaction, Unsigned, encode_body, signed_message

BALANCE = 1_000
NOW_MS = 1_800_000_000_000
ALICE, BOB, ISSUER, ADMIN, NEW = (
    derive_devnet_key("city", name) for name in ("alice", "bob", "issuer", "admin", "new")
)


def _account(key: PrivateKey, name: str, agency: str, role: str, balance: int) -> dict[str, object]:
    return {
        "name": name,
        "agency": agency,
        "key": key.public_key.hex(),
        "roles": [role],
        "balance": str(balance),
    }


def genesis_text(rate_per_s: int, burst: int) -> dict[str, object]:
    """A genesis of four validators, two agencies and four accounts."""
    validators = []
    for index in range(4):
        tls = TlsIdentity.make(bytes([index + 1]) * 32, f"validator-{index}")
        validators.append(
            {
                "name": f"validator-{index}",
                "agency": "transport",
                "key": derive_devnet_key("city", f"validator-{index}").public_key.hex(),
                "tls_certificate": base64.b64encode(tls.certificate).decode(),
            }
        )
    bucket = {"rate_per_s": rate_per_s, "burst": burst}
    return {
        "format": "urbanchain-genesis/1",
        "chain": "city",
        "devnet": True,
        "time": "2026-01-01T00:00:00.000Z",
        "agencies": [{"name": n, "bucket": bucket} for n in ("transport", "water")],
        "accounts": [
            _account(ALICE, "alice", "transport", "operator", BALANCE),
            _account(BOB, "bob", "water", "operator", BALANCE),
            _account(ISSUER, "issuer", "water", "issuer", BALANCE),
            _account(ADMIN, "admin", "transport", "admin", 0),
        ],
        "validators": validators,
    }


def put(key: bytes, value: bytes) -> WriteBatch:
    """A batch of one."""
    batch = WriteBatch()
    batch.put(key, value)
    return batch


class City:
    """One validator's ledger, and everybody's keys."""

    def __init__(self, rate_per_s: int = 10_000, burst: int = 100_000) -> None:
        raw = json.dumps(genesis_text(rate_per_s, burst)).encode()
        self.genesis: GenesisFile = parse_genesis(raw)
        self.store = MemoryStore()
        self.cache = SignatureCache()
        self.ledger = Ledger.open(self.genesis, self.store, self.cache)
        self.proposer = self.ledger.validators.members[0].address
        self._nonces = itertools.count()

    def call(
        self,
        sender: PrivateKey,
        contract: str,
        call: str,
        *arguments: Encodable,
        expires_at_ms: int = NOW_MS + 60_000,
    ) -> bytes:
        """A signed envelope."""
        nonce = next(self._nonces).to_bytes(16, "big")
        body = encode_body(contract, call, arguments)
        unsigned = Unsigned(1, expires_at_ms, nonce, sender.address, body)
        message = signed_message(unsigned.id(self.genesis.hash))
        return unsigned.sealed(sender.sign(message))

    def transfer(
        self, sender: PrivateKey, to: PrivateKey, amount: int, expires_at_ms: int = NOW_MS + 60_000
    ) -> bytes:
        """A signed transfer."""
        arguments = (to.address, amount)
        return self.call(sender, "tokens", "transfer", *arguments, expires_at_ms=expires_at_ms)

    def examine(self, envelope: bytes) -> Candidate | Rejection:
        """What admission says of it now."""
        decoded = self.ledger.decode([envelope])[0]
        if isinstance(decoded, Transaction):
            return self.ledger.examine(decoded, NOW_MS)
        return decoded

    def propose(self, *envelopes: bytes) -> Proposal:
        """A block of these."""
        candidates = [c for c in map(self.examine, envelopes) if isinstance(c, Candidate)]
        assert len(candidates) == len(envelopes)
        proposal = self.ledger.propose(candidates, self.proposer, NOW_MS)
        assert proposal is not None
        return proposal

    def commit(self, proposal: Proposal) -> CommittedBlock:
        """Make it the head."""
        committed = self.ledger.commit(proposal.digest, proposal.payload, b"certificate")
        self.store.write(committed.batch, sync=True)
        self.ledger.adopt(committed)
        return committed

    def reader(self) -> Reader:
        """Reads of what is committed."""
        return Reader(self.genesis, self.store)

    def balance(self, key: PrivateKey) -> int:
        """What someone has."""
        account = self.reader().account(key.address)
        assert account is not None
        return account.balance

    def supply(self) -> int:
        """The sum of all balances."""
        return self.reader().supply()
