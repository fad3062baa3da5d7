"""Every error becomes a sentence and an exit code, in one table."""

import importlib
from pathlib import Path

import pytest

from urbanchain.api.problems import CATALOGUE, ProblemType
from urbanchain.cli.exits import RULES, CommandFailed, Exit, explain
from urbanchain.client import BadAnswer, Unreachable
from urbanchain.client.errors import make_error
from urbanchain.devnet.errors import DevnetBusy, DevnetMissing, NotADevnet, PortsTaken, UnknownNode
from urbanchain.errors import ConfigurationError, Problem
from urbanchain.keys import KeyFileInvalid, WrongPassword
from urbanchain.verify import Link, VerificationFailed

HERE = Path("somewhere")


@pytest.mark.parametrize("name", RULES)
def test_every_row_names_a_class_that_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    kind = getattr(importlib.import_module(module), attribute)
    assert issubclass(kind, BaseException)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandFailed(Exit.NOT_FOUND, "gone"), 3),
        (ConfigurationError([Problem("node.toml", "api", "is wrong")]), 78),
        (KeyFileInvalid("mode 0644"), 78),
        (WrongPassword("no"), 7),
        (VerificationFailed(Link.HEADER, "no"), 8),
        (Unreachable(("http://a: nothing listens there",)), 6),
        (BadAnswer("http://a", "is no node"), 6),
        (DevnetMissing(HERE), 3),
        (DevnetBusy(HERE), 5),
        (NotADevnet(HERE), 2),
        (PortsTaken((("validator-0's api", 7080),)), 1),
        (UnknownNode("9", ("validator-0",)), 3),
        (FileNotFoundError(2, "No such file", "deed.pdf"), 3),
        (PermissionError(13, "Permission denied", "deed.pdf"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_an_error_ends_with_its_exit_code(error: BaseException, code: int) -> None:
    explanation = explain(error)
    assert explanation is not None
    assert explanation.code == code
    assert all(explanation.sentences)


@pytest.mark.parametrize("problem", CATALOGUE, ids=lambda problem: problem.name)
def test_a_problem_of_the_api_ends_with_the_catalogues_exit_code(problem: ProblemType) -> None:
    explanation = explain(make_error(problem.name, "because", {}))
    assert explanation is not None
    assert explanation.code == problem.exit_code
    assert problem.name in explanation.sentences[0]


def test_every_problem_of_a_configuration_is_said() -> None:
    problems = [Problem("node.toml", "api", "is wrong"), Problem("node.toml", "p2p", "is too")]
    explanation = explain(ConfigurationError(problems))
    assert explanation is not None
    assert len(explanation.sentences) == 2


def test_taken_ports_are_named() -> None:
    assert "7080" in str(PortsTaken((("validator-0's api", 7080),)))


def test_what_nobody_foresaw_has_no_explanation() -> None:
    assert explain(ZeroDivisionError()) is None
