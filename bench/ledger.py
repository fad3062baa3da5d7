"""Microseconds per transaction of each step of the ledger: `python -m bench.ledger [transactions
per block]`.

Two ledgers of one devnet genesis in memory: one proposes, the other judges, both commit; the median
of five blocks.
"""

import statistics
import sys
import time
from collections.abc import Callable
from secrets import token_bytes
from typing import TypeVar

from storage.memory import MemoryStore
from urbanchain.devnet.layout import make_accounts, make_genesis, make_validators
from urbanchain.genesis import parse_genesis, render_genesis
from urbanchain.ledger.admission import Candidate
from urbanchain.ledger.chain import Ledger, Verdict
from urbanchain.signatures import SignatureCache
from urbanchain.transactions import Transaction, Unsigned, encode_body, signed_message

T = TypeVar("T")
ACCOUNTS = 100
BLOCKS = 5


class Meter:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def run(self, step: str, action: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = action()
        self.seconds.setdefault(step, []).append(time.perf_counter() - began)
        return result


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    validators, accounts = make_validators(4, "bench"), make_accounts(ACCOUNTS, 4, "bench")
    genesis = parse_genesis(render_genesis(make_genesis("bench", validators, accounts)))
    cache, stores = SignatureCache(), (MemoryStore(), MemoryStore())
    proposer, judge = (Ledger.open(genesis, store, cache) for store in stores)
    meter, keys = Meter(), [account.key for account in accounts[:ACCOUNTS]]
    address = validators[0].consensus_key.address
    for _ in range(BLOCKS):
        now_ms = int(time.time() * 1000)
        envelopes = []
        for index in range(count):
            key, to = keys[index % ACCOUNTS], keys[(7 * index + 1) % ACCOUNTS]
            body = encode_body("tokens", "transfer", (to.address, 1))
            draft = Unsigned(1, now_ms + 100_000, token_bytes(16), key.address, body)
            envelopes.append(draft.sealed(key.sign(signed_message(draft.id(genesis.hash)))))
        decoded = meter.run("decode", lambda e=envelopes: proposer.decode(e))
        found = meter.run(
            "admission",
            lambda d=decoded, n=now_ms: [
                proposer.examine(t, n) for t in d if isinstance(t, Transaction)
            ],
        )
        candidates = [c for c in found if isinstance(c, Candidate)]
        items = [candidate.signature_item() for candidate in candidates]
        meter.run("signatures", lambda i=items: cache.verify(i))
        proposal = meter.run(
            "propose", lambda c=candidates, n=now_ms: proposer.propose(c, address, n)
        )
        if proposal is None:
            raise SystemExit("nothing was proposed")
        digest, payload = proposal.digest, proposal.payload
        judgement = meter.run(
            "judge",
            lambda d=digest, p=payload, n=now_ms: judge.judge(d, p, n, is_clock_exempt=False),
        )
        if judgement.verdict is not Verdict.VALID:
            raise SystemExit(f"the judge disagrees: {judgement.reason}")
        for ledger, store in zip((proposer, judge), stores, strict=True):
            committed = meter.run(
                "commit", lambda o=ledger, d=digest, p=payload: o.commit(d, p, b"certificate")
            )
            store.write(committed.batch, sync=True)
            ledger.adopt(committed)
    print(f"{count} transfers a block, µs per transaction (median of {BLOCKS} blocks)")
    for step, seconds in meter.seconds.items():
        print(f"  {step:<11} {statistics.median(seconds) / count * 1e6:7.1f}")


if __name__ == "__main__":
    main()
