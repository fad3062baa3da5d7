"""Transactions per second of a running devnet: `python -m bench.batches [count] [URL …]`.

Signs transfers between the devnet's accounts first, then sends them in binary batches, a thread per
validator, and waits until every validator has the same head and nothing pending. The devnet's own
seed must be "dev".
"""

import random
import sys
import threading
import time
from secrets import token_bytes

from urbanchain.client import Client
from urbanchain.devnet.layout import make_accounts
from urbanchain.transactions import Unsigned, encode_body, signed_message

BATCH = 250


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    urls = sys.argv[2:] or [f"http://127.0.0.1:{7080 + 100 * index}" for index in range(4)]
    accounts = [a.key for a in make_accounts(10, 4, "dev") if a.roles == ("operator",)]
    clients = [Client([url]) for url in urls]
    genesis_hash = clients[0].info().genesis_hash
    expires_at_ms, envelopes = int(time.time() * 1000) + 300_000, []
    for _ in range(count):
        sender, to = random.sample(accounts, 2)
        body = encode_body("tokens", "transfer", (to.address, 1))
        draft = Unsigned(1, expires_at_ms, token_bytes(16), sender.address, body)
        envelopes.append(draft.sealed(sender.sign(signed_message(draft.id(genesis_hash)))))

    def send(client: Client, mine: list[bytes]) -> None:
        for start in range(0, len(mine), BATCH):
            client.submit_batch(mine[start : start + BATCH])

    before = clients[0].status()
    began = time.perf_counter()
    threads = [
        threading.Thread(target=send, args=(client, envelopes[index :: len(clients)]))
        for index, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while True:
        states = [client.status() for client in clients]
        if not any(s.pending for s in states) and len({s.hash for s in states}) == 1:
            break
        time.sleep(0.05)
    took_s = time.perf_counter() - began
    blocks, views = states[0].height - before.height, states[0].view - before.view
    print(
        f"{count} transfers in {took_s:.2f} s: {count / took_s:.0f} tx/s over {len(urls)}"
        f" validators, {blocks} blocks, {views} view changes"
    )


if __name__ == "__main__":
    main()
