"""The story of the README, told to real processes by the command line: up, transfer, kill,
transfer, restart, status, down.
"""

import time

import pytest

from tests.cluster.shell import Shell

VIEW_TIMEOUT_S = 2.0

pytestmark = pytest.mark.cluster


def test_a_devnet_survives_the_loss_of_its_primary(devnet: Shell) -> None:
    devnet.succeed("tx", "transfer", "alice", "bob", 5)
    devnet.succeed("devnet", "kill", 0)
    began = time.monotonic()
    devnet.succeed("tx", "transfer", "alice", "bob", 5)
    assert time.monotonic() - began < VIEW_TIMEOUT_S + 2
    devnet.succeed("devnet", "restart", 0)
    nodes = devnet.nodes()
    assert [node["state"] for node in nodes] == ["ready"] * 4
    assert len({(node["height"], node["hash"], node["state_root"]) for node in nodes}) == 1
    assert devnet.read("query", "account", "bob")["balance"] == "1000010"
    devnet.succeed("devnet", "down")
    assert not (devnet.directory / ".devnet").exists()


def test_a_receipt_verifies_with_every_node_down(devnet: Shell) -> None:
    deed = devnet.directory / "deed.pdf"
    deed.write_bytes(b"one parcel of land")
    devnet.succeed("tx", "record", "land-registry", "parcel-17", "deed.pdf")
    devnet.succeed("devnet", "down", "--keep")
    verify = ("verify", "deed.pdf.receipt.json", "--document", "deed.pdf", "--genesis")
    devnet.succeed(*verify, ".devnet/genesis.json")
    deed.write_bytes(b"two parcels of land")
    assert devnet.run(*verify, ".devnet/genesis.json").returncode == 8


def test_a_stopped_devnet_starts_again_where_it_was(devnet: Shell) -> None:
    devnet.succeed("tx", "transfer", "alice", "bob", 5)
    devnet.succeed("devnet", "down", "--keep")
    assert {node["state"] for node in devnet.nodes()} == {"stopped"}
    devnet.succeed("devnet", "up", "--detach")
    assert {node["height"] for node in devnet.nodes()} == {1}


def test_what_was_final_survives_the_death_of_all(devnet: Shell) -> None:
    sent = devnet.read("tx", "transfer", "alice", "bob", 5)
    devnet.succeed("devnet", "kill", 0, 1, 2, 3)
    devnet.succeed("devnet", "up", "--detach")
    shown = devnet.read("tx", "show", sent["id"])
    assert (shown["height"], shown["block_hash"]) == (sent["height"], sent["block_hash"])
    assert devnet.read("tx", "transfer", "alice", "bob", 5)["height"] == sent["height"] + 1


def test_up_again_says_that_it_runs_already(devnet: Shell) -> None:
    before = [node["pid"] for node in devnet.nodes()]
    assert "runs already" in devnet.succeed("devnet", "up", "--detach")
    assert [node["pid"] for node in devnet.nodes()] == before


def test_a_paused_node_is_seen_as_such_and_missed_by_nobody(devnet: Shell) -> None:
    devnet.succeed("devnet", "pause", 3)
    assert [node["state"] for node in devnet.nodes()] == ["ready"] * 3 + ["paused"]
    devnet.succeed("tx", "transfer", "alice", "bob", 5)
    devnet.succeed("devnet", "resume", 3)
    devnet.succeed("devnet", "down")


def test_taken_ports_are_named_and_nothing_is_left_behind(devnet: Shell) -> None:
    port = int(devnet.nodes()[0]["api"].rpartition(":")[2])
    done = devnet.run("devnet", "up", "--detach", "--state", "second", "--base-port", port - 80)
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert not (devnet.directory / "second").exists()


def test_the_demonstration_holds_on_a_directory_of_files(shell: Shell) -> None:
    tree = shell.directory / "tree"
    tree.mkdir()
    for number in range(40):
        (tree / f"{number}.txt").write_text(f"document {number}")
    report = shell.read("devnet", "demo", "--path", "tree")
    assert report["files"] == report["receipts_verified"] == 40
    assert report["tampering_caught"] is True
    assert report["gap_after_kill_ms"] < (VIEW_TIMEOUT_S + 2) * 1000


def test_the_demonstration_of_an_empty_directory_says_so(shell: Shell) -> None:
    (shell.directory / "tree").mkdir()
    done = shell.run("devnet", "demo", "--path", "tree")
    assert done.returncode == 1
    assert "no file to notarise" in done.stderr
