"""The docs mention what exists: every setting, parameter, exit code, route, problem and contract
call."""

from pathlib import Path

import pytest

from urbanchain.api.problems import PROBLEMS
from urbanchain.config import settings_table
from urbanchain.contracts import CONTRACTS
from urbanchain.contracts.reference import render_reference
from urbanchain.genesis import Parameters

DOCS = Path(__file__).resolve().parent.parent / "docs"
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", settings_table(), ids=lambda setting: setting.key)
def test_every_setting_is_in_operations(setting: object) -> None:
    assert f"| `{setting.key}` |" in OPERATIONS  # type: ignore[attr-defined]
    assert setting.description in OPERATIONS  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_every_parameter_is_in_operations(name: str) -> None:
    assert f"| `{name}` |" in OPERATIONS


def test_every_exit_code_of_a_problem_is_in_operations() -> None:
    for problem in PROBLEMS.values():
        assert f"\n| {problem.exit_code} |" in OPERATIONS


def test_the_contracts_page_is_the_one_the_declarations_make() -> None:
    page = (DOCS / "contracts.md").read_text(encoding="utf-8")
    assert page == render_reference(CONTRACTS.values())
