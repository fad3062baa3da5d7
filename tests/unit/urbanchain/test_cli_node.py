"""`urbanchain node init` and `config`: homes are made once, and every problem of one is told."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.fakes.cli import Outcome, urbanchain
from urbanchain.cli.template import render_table, render_template
from urbanchain.config import parse_config, settings_table
from urbanchain.devnet.files import Blueprint, write_devnet
from urbanchain.devnet.ports import ports_from
from urbanchain.genesis import ValidatorEntry

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the first validator of a devnet that was never started."""
    write_devnet(tmp_path, Blueprint(), [ports_from(17_000, i) for i in range(4)])
    return tmp_path / "validator-0"


def init(home: Path) -> Outcome:
    return urbanchain(
        "node", "init", "--home", home, "--name", "water-1", "--agency", "water", "--unencrypted"
    )


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_new_home_prints_the_entry_that_genesis_needs(tmp_path: Path) -> None:
    outcome = init(tmp_path / "home")
    assert outcome.code == 0
    entry = ValidatorEntry.model_validate(outcome.json)
    assert (entry.name, entry.agency) == ("water-1", "water")
    assert entry.certificate_der()


def test_a_home_is_never_made_over(tmp_path: Path) -> None:
    init(tmp_path)
    before = (tmp_path / "keys" / "consensus.key").read_bytes()
    assert init(tmp_path).code == 4
    assert (tmp_path / "keys" / "consensus.key").read_bytes() == before


def test_a_home_without_node_toml_says_how_to_make_one(tmp_path: Path) -> None:
    outcome = urbanchain("config", "check", "--home", tmp_path)
    assert outcome.code == 78
    assert "node init" in outcome.err


def test_a_good_home_is_valid(home: Path) -> None:
    document = urbanchain("config", "check", "--home", home, "-o", "json").json
    assert (document["valid"], document["chain"]) == (True, "dev")


def test_problems_of_settings_and_of_genesis_are_told_at_once(home: Path) -> None:
    edit(home / "node.toml", "[api]", "[api]\nspeed = 5")
    edit(home.parent / "genesis.json", '"agency": "water"', '"agency": "atlantis"')
    outcome = urbanchain("config", "check", "--home", home)
    assert outcome.code == 78
    assert "speed" in outcome.err
    assert "atlantis" in outcome.err


def test_a_port_out_of_range_is_invalid_configuration(home: Path) -> None:
    edit(home / "node.toml", "127.0.0.1:17080", "127.0.0.1:70800")
    assert urbanchain("config", "check", "--home", home).code == 78


def test_a_key_that_others_may_read_is_invalid_configuration(home: Path) -> None:
    (home / "keys" / "consensus.key").chmod(0o644)
    outcome = urbanchain("config", "check", "--home", home)
    assert outcome.code == 78
    assert "0644" in outcome.err


def test_a_genesis_with_three_validators_is_invalid(home: Path) -> None:
    path = home.parent / "genesis.json"
    content = json.loads(path.read_text())
    content["validators"].pop()
    path.write_text(json.dumps(content))
    outcome = urbanchain("config", "check", "--genesis", path)
    assert outcome.code == 78
    assert "3 validators" in outcome.err


def test_running_a_bad_home_ends_78(home: Path) -> None:
    edit(home / "node.toml", "[api]", "[api]\nspeed = 5")
    assert urbanchain("node", "run", "--home", home).code == 78


def test_the_template_is_a_valid_configuration_of_defaults() -> None:
    text = urbanchain("config", "default", "--name", "water-1").out
    assert parse_config(tomllib.loads(text)).name == "water-1"


def test_the_template_explains_every_setting() -> None:
    text = render_template(settings_table(), "validator-0")
    missing = [s.key for s in settings_table() if s.key.rpartition(".")[2] not in text]
    assert not missing


def test_the_template_in_configs_is_the_one_that_is_printed() -> None:
    written = (ROOT / "configs" / "devnet-node.toml").read_text()
    assert written == render_template(settings_table(), "validator-0")


def test_the_table_of_settings_has_a_row_for_each() -> None:
    rows = render_table(settings_table()).splitlines()
    assert len(rows) == 2 + len(settings_table())
