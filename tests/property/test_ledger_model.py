"""The ledger against a ten-line model: whatever is asked of it, balances, supply and every
validator agree."""

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.city import ALICE, BALANCE, BOB, ISSUER, NEW, NOW_MS, City
from urbanchain.ledger.admission import Candidate
from urbanchain.ledger.chain import Verdict

PEOPLE = [ALICE, BOB, ISSUER, NEW]
ROOT = Path(__file__).resolve().parents[2]
steps = st.lists(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 2 * BALANCE), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    max_size=5,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_any_history_leaves_what_the_model_says_on_two_validators(
    blocks: list[list[tuple[int, int, int, bool]]],
) -> None:
    town, other = City(), City()
    model = {0: BALANCE, 1: BALANCE, 2: BALANCE}
    for block in blocks:
        envelopes = []
        for sender, to, amount, is_mint in block:
            name = "mint" if is_mint else "transfer"
            envelope = town.call(PEOPLE[sender], "tokens", name, PEOPLE[to].address, amount)
            if not isinstance(town.examine(envelope), Candidate):
                continue
            envelopes.append(envelope)
            if to in model and is_mint:
                model[to] += amount
            elif to in model and model[sender] >= amount:
                model[sender] -= amount
                model[to] += amount
        if envelopes:
            proposal = town.propose(*envelopes)
            verdict = other.ledger.judge(
                proposal.digest, proposal.payload, NOW_MS + 60_000, is_clock_exempt=False
            )
            assert verdict.verdict is Verdict.VALID
            town.commit(proposal)
            other.commit(proposal)
    assert town.ledger.head == other.ledger.head
    assert [town.balance(PEOPLE[who]) for who in model] == list(model.values())
    assert town.supply() == sum(model.values())


def test_O13_another_hash_seed_time_zone_and_optimisation_reach_the_same_root() -> None:
    program = (
        "from tests.fakes.city import *\n"
        "town = City()\n"
        "town.commit(town.propose(*[town.transfer(ALICE, BOB, n) for n in range(1, 9)]))\n"
        "print(town.ledger.head.hash.hex())\n"
    )
    heads = set()
    for flags, changes in (
        ([], {"PYTHONHASHSEED": "1", "TZ": "UTC"}),
        (["-O"], {"PYTHONHASHSEED": "2", "TZ": "Asia/Shanghai", "LC_ALL": "C"}),
    ):
        environment = os.environ | changes | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, *flags, "-c", program],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        heads.add(done.stdout)
    assert len(heads) == 1
