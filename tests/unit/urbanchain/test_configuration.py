"""genesis.json and node.toml: strict, and every problem at once with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.city import genesis_text
from urbanchain.config import load_config, parse_config, parse_endpoint
from urbanchain.errors import ConfigurationError
from urbanchain.genesis import parse_genesis


def problems(content: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_genesis(json.dumps(content).encode())
    return [f"{p.pointer}: {p.message}" for p in caught.value.problems]


def genesis(**changes: object) -> dict[str, Any]:
    return genesis_text(10, 1000) | changes


def test_a_sound_genesis_is_named_by_its_bytes() -> None:
    raw = json.dumps(genesis()).encode()
    assert parse_genesis(raw).hash != parse_genesis(raw + b" ").hash
    assert len(parse_genesis(raw).genesis.validator_set().members) == 4


def test_M04_three_validators_and_equal_keys_are_both_told() -> None:
    content = genesis()
    content["validators"] = content["validators"][:3]
    content["validators"][1]["key"] = content["validators"][0]["key"]
    found = problems(content)
    assert any("3 validators" in p for p in found)
    assert any(p.startswith("validators.1.key: the same key") for p in found)


def test_O03_unknown_keys_and_wrong_types_are_all_told() -> None:
    found = problems(genesis(colour="blue", devnet="yes", chain="Not A Name"))
    assert any(p == "colour: is not a known key" for p in found)
    assert any(p.startswith("devnet:") for p in found)
    assert any(p.startswith("chain:") for p in found)


@pytest.mark.parametrize(
    "parameters", [{"view_timeout_ms": 0}, {"block_bytes_max": 2**63}, {"rotation_blocks": -1}]
)
def test_M05_extreme_parameters_are_refused(parameters: dict[str, int]) -> None:
    assert problems(genesis(parameters=parameters))[0].startswith("parameters.")


def test_M04_a_small_order_key_is_refused() -> None:
    content = genesis()
    content["validators"][0]["key"] = (1).to_bytes(32, "little").hex()
    assert any("small order" in p for p in problems(content))


def test_accounts_of_no_agency_and_too_much_money_are_refused() -> None:
    content = genesis()
    content["accounts"][0]["agency"] = "nobody"
    content["accounts"][1]["balance"] = str(2**63 - 1)
    found = problems(content)
    assert any("no agency 'nobody'" in p for p in found)
    assert any("exceed" in p for p in found)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_told_as_such(raw: bytes) -> None:
    with pytest.raises(ConfigurationError):
        parse_genesis(raw)


def test_a_flipped_byte_never_gets_through_as_an_unexpected_error() -> None:
    raw = json.dumps(genesis()).encode()
    for place in range(0, len(raw), 7):
        flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        try:
            assert parse_genesis(flipped).hash != parse_genesis(raw).hash
        except ConfigurationError:
            continue


def test_node_toml_problems_are_told_together_with_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('nmae = "x"\n[p2p]\nlisten = "127.0.0.1:99999"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})
    places = {(Path(p.file).name, p.pointer) for p in caught.value.problems}
    assert places == {("node.toml", "name"), ("node.toml", "nmae"), ("node.toml", "p2p.listen")}


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('name = "a"\n[api]\nlisten = "127.0.0.1:1"\n')
    environment = {"URBANCHAIN_API_LISTEN": "127.0.0.1:2", "URBANCHAIN_API_WAIT_MAX_S": "5"}
    config = load_config(tmp_path, environment)
    assert (config.api.listen, config.api.wait_max_s) == ("127.0.0.1:2", 5)


def test_listening_in_the_clear_beyond_loopback_must_be_asked_for() -> None:
    content: dict[str, Any] = {"name": "a", "api": {"listen": "0.0.0.0:80"}}
    with pytest.raises(ConfigurationError, match=r"api\.public"):
        parse_config(content)
    content["api"]["public"] = True
    assert parse_config(content).api.public
    with pytest.raises(ConfigurationError, match="loopback"):
        parse_config(content | {"ops": {"listen": "0.0.0.0:81"}})


@pytest.mark.parametrize("text", ["", "a", ":80", "a:b", "a:65536", "[::1]", "a:1:2", "a b:1"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be host:port|out of range"):
        parse_endpoint(text)


def test_an_ipv6_endpoint_keeps_its_brackets() -> None:
    assert str(parse_endpoint("[::1]:80")) == "[::1]:80"
    assert parse_endpoint("[::1]:80").is_loopback
