"""The borders of ARCHITECTURE.md, enforced: who may import whom, what the core must not know, how
big things get.

Everything here reads syntax trees; nothing of the project is imported or run.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("consensus", "storage", "p2p", "urbanchain")
THIRD_PARTY = {
    "consensus": {"msgpack"},
    "storage": {"msgpack", "plyvel"},
    "p2p": {"cryptography"},
    "urbanchain": {"aiohttp", "click", "cryptography", "msgpack", "pydantic", "rich", "uvloop"},
}
"""Libraries each package may import, beside the standard library and itself."""

BANNED_IN_CONSENSUS = {
    "asyncio",
    "hashlib",
    "hmac",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "threading",
    "time",
    "uuid",
}
"""The core has no clock, disk, socket, key, hash or dice."""

LAYERS = (
    ("types", "transactions", "signatures", "hashing", "encoding", "errors", "addresses"),
    ("genesis", "keys", "config", "receipts", "membership"),
    ("contracts",),
    ("ledger",),
    ("mempool",),
    ("driver",),
    ("api",),
    ("node",),
    ("cli", "devnet"),
)
"""Inside urbanchain, lowest first: a module imports its own layer and those below, never above."""

MODULE_LINES_MAX = 450
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 6


def modules() -> dict[str, Path]:
    """Dotted name → file of every module of the four packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            found[".".join(parts)] = path
    return found


MODULES = modules()


def imports(name: str, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names that a module imports; `from x import y` yields x.y where that is a module."""
    path = MODULES[name]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _nodes(tree, top_level_only):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                ancestor = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                base = f"{ancestor}.{base}" if base else ancestor
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def _nodes(tree: ast.Module, top_level_only: bool) -> Iterator[ast.AST]:
    if not top_level_only:
        yield from ast.walk(tree)
        return
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("name", MODULES)
def test_a_package_imports_only_what_its_border_allows(name: str) -> None:
    package = name.split(".")[0]
    allowed = {package} | THIRD_PARTY[package] | set(sys.stdlib_module_names)
    if package == "urbanchain":
        allowed |= set(PACKAGES)
    foreign = sorted({found for found in imports(name) if found.split(".")[0] not in allowed})
    assert not foreign, f"{name} may not import {foreign}"


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("consensus")])
def test_the_consensus_core_knows_no_clock_disk_socket_key_hash_or_dice(name: str) -> None:
    banned = sorted({i for i in imports(name) if i.split(".")[0] in BANNED_IN_CONSENSUS})
    assert not banned, f"{name} imports {banned}"


def test_only_the_adapter_imports_plyvel() -> None:
    importers = [n for n in MODULES if any(i.split(".")[0] == "plyvel" for i in imports(n))]
    assert importers == ["storage.leveldb"]


def _layer(name: str) -> int | None:
    part = name.split(".")[1] if "." in name else ""
    return next((index for index, layer in enumerate(LAYERS) if part in layer), None)


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("urbanchain.")])
def test_inside_urbanchain_imports_point_downwards(name: str) -> None:
    own = _layer(name)
    if own is None:
        return
    upward = sorted(
        {
            found
            for found in imports(name)
            for layer in [_layer(found) if found.startswith("urbanchain.") else None]
            if layer is not None and layer > own
        }
    )
    assert not upward, f"{name} reaches up to {upward}"


def test_the_api_does_not_know_the_node() -> None:
    for name in MODULES:
        if name.startswith("urbanchain.api"):
            assert not {"urbanchain.node", "urbanchain.driver"} & set(imports(name)), name


def test_the_sdk_and_the_offline_verifier_need_no_node_no_server_and_no_database() -> None:
    for start in MODULES:
        if start == "urbanchain.verify" or start.startswith("urbanchain.client"):
            reached = _reachable(start)
            for banned in ("plyvel", "aiohttp.web", "urbanchain.node", "urbanchain.driver"):
                assert banned not in reached, f"{start} reaches {banned}"


def _reachable(start: str) -> set[str]:
    reached, pending = set(), [start]
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached.add(name)
        if name in MODULES:
            pending.extend(imports(name))
            parent = name.rpartition(".")[0]
            if parent in MODULES:
                pending.append(parent)
    return reached


def test_no_import_cycle() -> None:
    graph = {
        name: sorted({i for i in imports(name, top_level_only=True) if i in MODULES and i != name})
        for name in MODULES
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_there_is_no_room_without_a_name() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [name for name in MODULES if vague & set(name.split("."))]


@pytest.mark.parametrize("name", MODULES)
def test_size_budgets(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= MODULE_LINES_MAX, f"{name} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{name}.{node.name} has {length} lines"
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([a for a in arguments if a.arg not in ("self", "cls")])
            is_callback = any(_is_click(d) for d in node.decorator_list)
            assert is_callback or count <= PARAMETERS_MAX, f"{name}.{node.name} takes {count}"


def _is_click(decorator: ast.expr) -> bool:
    """Command callbacks receive one parameter an option; click, not a caller, fills them in."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(target, ast.Attribute) and target.attr in {"command", "group", "option"}


def test_no_module_logs_or_reads_clocks_in_what_decides_state() -> None:
    pure = ("urbanchain.contracts", "urbanchain.ledger", "urbanchain.mempool", "urbanchain.types")
    banned = {"time", "random", "secrets", "asyncio", "socket", "locale", "uuid"}
    for name in MODULES:
        if name.startswith(pure):
            found = {i.split(".")[0] for i in imports(name)} & banned
            assert not found, f"{name} imports {sorted(found)}"


def test_nothing_names_a_package_registry() -> None:
    hosts = ("pypi" + ".org", "python" + "hosted", "crates" + ".io", "proxy" + ".golang.org")
    for pattern in ("requirements*.txt", "requirements*.in", "pyproject.toml", "Makefile", ".ci/*"):
        for path in ROOT.glob(pattern):
            text = path.read_text(encoding="utf-8")
            assert not [host for host in hosts if host in text], path
