"""What is remembered of a devnet comes back as it was; only one command at a time changes it."""

import threading
from pathlib import Path

import pytest

from urbanchain.addresses import format_address
from urbanchain.devnet import lock
from urbanchain.devnet.errors import (
    DevnetBusy,
    DevnetDamaged,
    DevnetMissing,
    NotADevnet,
    UnknownNode,
)
from urbanchain.devnet.files import Blueprint, remove_devnet, write_devnet
from urbanchain.devnet.ports import ports_from
from urbanchain.devnet.processes import ProcessId
from urbanchain.devnet.state import DevnetState, load_state, save_state
from urbanchain.keys import PrivateKey

PORTS = [ports_from(17_000, index) for index in range(4)]


@pytest.fixture
def state(tmp_path: Path) -> DevnetState:
    directory = tmp_path / "net"
    directory.mkdir()
    return write_devnet(directory, Blueprint(accounts=3), PORTS)


def test_what_is_saved_is_loaded(state: DevnetState) -> None:
    changed = state.with_process("validator-1", ProcessId(4711, "boot:99"))
    save_state(changed)
    assert load_state(state.directory) == changed


def test_an_accounts_key_file_is_the_key_of_its_address(state: DevnetState) -> None:
    account = state.find_account("alice")
    assert account is not None
    key = PrivateKey.load(state.directory / account.key_file)
    assert format_address(key.address) == account.address


def test_a_node_is_found_by_number_and_by_name(state: DevnetState) -> None:
    assert state.find_node("2") == state.find_node("validator-2") == state.nodes[2]


def test_a_node_that_is_not_there_is_unknown(state: DevnetState) -> None:
    with pytest.raises(UnknownNode):
        state.find_node("4")


def test_a_directory_without_a_devnet_has_none(tmp_path: Path) -> None:
    with pytest.raises(DevnetMissing):
        load_state(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "else"}', "{}", "\xe9"])
def test_a_damaged_state_file_is_said_to_be(state: DevnetState, text: str) -> None:
    (state.directory / "devnet.json").write_text(text, encoding="utf-8")
    with pytest.raises(DevnetDamaged):
        load_state(state.directory)


def test_a_directory_in_use_for_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(NotADevnet):
        write_devnet(tmp_path, Blueprint(), PORTS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_removing_a_devnet_removes_its_directory(state: DevnetState) -> None:
    remove_devnet(state.directory)
    assert not state.directory.exists()


def test_removing_a_devnet_leaves_what_others_put_there(state: DevnetState) -> None:
    (state.directory / "thesis.txt").write_text("mine")
    remove_devnet(state.directory)
    assert [path.name for path in state.directory.iterdir()] == ["thesis.txt"]


def test_an_interrupted_writing_is_begun_anew(state: DevnetState) -> None:
    (state.directory / "devnet.json").unlink()
    again = write_devnet(state.directory, Blueprint(accounts=3), PORTS)
    assert load_state(again.directory) == again


def test_who_comes_second_is_told_that_the_devnet_is_busy(tmp_path: Path) -> None:
    with lock.hold(tmp_path), pytest.raises(DevnetBusy), lock.hold(tmp_path, timeout_s=0.0):
        pass


def test_the_lock_is_free_once_its_holder_is_done(tmp_path: Path) -> None:
    with lock.hold(tmp_path):
        pass
    with lock.hold(tmp_path, timeout_s=0.0):
        assert (tmp_path / lock.FILE_NAME).exists()


def test_who_waits_while_the_devnet_is_removed_finds_none(tmp_path: Path) -> None:
    directory = tmp_path / "net"
    directory.mkdir()
    outcomes: list[type[Exception]] = []

    def wait_for_it() -> None:
        try:
            with lock.hold(directory):
                pass
        except DevnetMissing as error:
            outcomes.append(type(error))

    waiter = threading.Thread(target=wait_for_it)
    with lock.hold(directory):
        waiter.start()
        (directory / lock.FILE_NAME).unlink()
        directory.rmdir()
    waiter.join(10)
    assert outcomes == [DevnetMissing]


def test_there_is_no_lock_where_there_is_no_directory(tmp_path: Path) -> None:
    with pytest.raises(DevnetMissing), lock.hold(tmp_path / "none"):
        pass
