"""Mistakes that implementations of this kind have made, one patch each, and who must notice.

A killer is a test to run, or `A:n` / `B:n`: the first n lives of the simulator at that level. All
killers are in `make test`, so a mutant that they kill could not have been merged.
"""

from dataclasses import dataclass

UNIT = "tests/unit/consensus"
PAPER = "tests/paper"


@dataclass(frozen=True)
class Mutant:
    """One line of the product made wrong."""

    name: str
    file: str
    right: str
    """Exactly once in the file."""
    wrong: str
    killers: tuple[str, ...]


MUTANTS = (
    Mutant(
        "quorum of 2f",
        "consensus/types.py",
        "return (self.n + self.f + 2) // 2",
        "return 2 * self.f",
        ("A:100",),
    ),
    Mutant(
        "a vote shown twice counts twice",
        "consensus/certificates.py",
        "ascending = all(a[0] < b[0]",
        "ascending = all(a[0] <= b[0]",
        (f"{UNIT}/test_certificates.py",),
    ),
    Mutant(
        "the payload's hash is not compared with the digest",
        "urbanchain/ledger/chain.py",
        "if block.header.hash() != digest:",
        "if not digest:",
        ("tests/unit/urbanchain/test_ledger.py",),
    ),
    Mutant(
        "signed bytes do not name the chain",
        "consensus/certificates.py",
        "_PLACE.pack(genesis, epoch",
        "_PLACE.pack(bytes(32), epoch",
        (f"{UNIT}/test_golden_vectors.py",),
    ),
    Mutant(
        "the journal is written without sync",
        "urbanchain/driver/hosting.py",
        "self._parts.store.write(batch, sync=True)",
        "self._parts.store.write(batch, sync=False)",
        ("tests/unit/urbanchain/test_hosting.py",),
    ),
    Mutant(
        "sent before it is durable",
        "urbanchain/driver/hosting.py",
        "            await self._persist([e for e in turn if isinstance(e, Persist)])\n"
        "            for effect in turn:\n"
        "                await self._do(effect)\n",
        "            for effect in turn:\n"
        "                await self._do(effect)\n"
        "            await self._persist([e for e in turn if isinstance(e, Persist)])\n",
        ("tests/unit/urbanchain/test_hosting.py",),
    ),
    Mutant(
        "the prepared certificate is forgotten by a restart",
        "consensus/recovery.py",
        "state.slot.prepared = certificate",
        "pass",
        ("A:400", f"{UNIT}/test_recovery.py"),
    ),
    Mutant(
        "the lowest view wins in NEW-VIEW",
        "consensus/view_change.py",
        "return height, max(certificates",
        "return height, min(certificates",
        (f"{UNIT}/test_view_change.py",),
    ),
    Mutant(
        "one VIEW-CHANGE for elsewhere spoils all",
        "consensus/view_change.py",
        "if len(exact) < quorum:",
        "if len(exact) < max(quorum, len(held)):",
        ("A:400",),
    ),
    Mutant(
        "a new view is bound by what one holds, not by what it shows",
        "consensus/leaving.py",
        "height, certificate = view_change.select_proposal(statement.view_changes)",
        "height, certificate = view_change.select_proposal(\n"
        "        state.view.view_changes.values() or statement.view_changes\n    )",
        (f"{UNIT}/test_leaving.py",),
    ),
    Mutant(
        "no back-off",
        "consensus/types.py",
        "self.view_s * 2 ** min(failed_views, 32)",
        "self.view_s",
        (f"{UNIT}/test_types.py",),
    ),
    Mutant(
        "the back-off is never reset",
        "consensus/leaving.py",
        "    old.failed = 0\n",
        "",
        ("tests/simulation/test_cluster.py",),
    ),
    Mutant(
        "a block that came by sync is committed again",
        "consensus/normal_case.py",
        "if event.certificate.height > state.head.height:",
        "if event.certificate.height > 0:",
        (PAPER, UNIT),
    ),
    Mutant(
        "COMMITs of another epoch certify",
        "consensus/certificates.py",
        "if epoch != replica_set.epoch:",
        "if epoch < 0:",
        (f"{UNIT}/test_certificates.py",),
    ),
    Mutant(
        "the parent's hash is ignored",
        "urbanchain/ledger/chain.py",
        "(header.parent == self.head.hash,",
        "(True,",
        ("tests/unit/urbanchain/test_ledger.py",),
    ),
    Mutant(
        "the clock judges a re-proposal",
        "consensus/normal_case.py",
        "is_reproposed = digest == state.required or state.is_committing",
        "is_reproposed = False",
        (PAPER, UNIT),
    ),
    Mutant(
        "the signature cache forgets what was signed",
        "urbanchain/signatures.py",
        "unknown = [item for item in items if item not in self._valid]",
        "seen = {item.signature for item in self._valid}\n"
        "        unknown = [item for item in items if item.signature not in seen]",
        ("tests/property/test_signatures_zip215.py",),
    ),
    Mutant(
        "the buffer of future heights is unbounded",
        "consensus/state.py",
        "HEIGHTS_BUFFERED = 2",
        "HEIGHTS_BUFFERED = 1 << 62",
        (PAPER, UNIT),
    ),
    Mutant(
        "views are carried over a change of the set",
        "consensus/normal_case.py",
        "    if has_new_set:\n",
        "    if has_new_set and not state.view.number:\n",
        ("A:400",),
    ),
    Mutant(
        "votes below one's own VIEW-CHANGE",
        "consensus/recovery.py",
        "                state.view.number = view_change.place.view\n"
        "                state.view.is_active = False\n",
        "",
        ("A:400",),
    ),
    Mutant(
        "the journal is cut before the block is written",
        "urbanchain/driver/hosting.py",
        "        parts.journal.cut(committed.batch, [",
        "        early = WriteBatch()\n"
        "        parts.journal.cut(early)\n"
        "        await self._write(early)\n"
        "        parts.journal.cut(committed.batch, [",
        ("tests/unit/urbanchain/test_hosting.py",),
    ),
    Mutant(
        "the body is not durable at PREPARE",
        "consensus/normal_case.py",
        "state.emit(Persist(Accepted(message.statement, message.signature), payload))",
        'state.emit(Persist(Accepted(message.statement, message.signature), b""))',
        ("A:20",),
    ),
    Mutant(
        "the timer of a new view waits for a quorum for exactly that view",
        "consensus/view_change.py",
        "if m.statement.place.view >= view)",
        "if m.statement.place.view == view)",
        ("A:400", f"{UNIT}/test_view_change.py", PAPER),
    ),
    Mutant(
        "the clock's verdict outlives its view",
        "consensus/leaving.py",
        "{d: True for d, is_valid in state.slot.is_valid.items() if is_valid}",
        "dict(state.slot.is_valid)",
        (PAPER, UNIT),
    ),
    Mutant(
        "a transaction's leaf leaves out its signature",
        "urbanchain/transactions.py",
        "bytes([self.suite]), key, self.signature)",
        "bytes([self.suite]), key)",
        ("tests/unit/urbanchain/test_golden_vectors.py",),
    ),
    Mutant(
        "who has left a view is not counted among those who suspect it",
        "consensus/leaving.py",
        "if len(view.suspects.union(left)) >=",
        "if len(view.suspects) >=",
        ("A:1000",),
    ),
    Mutant(
        "what was heard in the silence after a start is not acted on",
        "consensus/leaving.py",
        "    repeat(state)\n    consider_view_changes(state)\n",
        "    repeat(state)\n",
        (f"{UNIT}/test_lost_journal.py",),
    ),
    Mutant(
        "a lost journal is taken for an empty one",
        "consensus/lost_journal.py",
        "    if memory.forgot is not None and _is_open(state, memory.forgot):\n",
        "    if memory.forgot is not None and _is_open(state, memory.forgot):\n"
        "        memory.forgot = None\n        return\n",
        (UNIT,),
    ),
)
