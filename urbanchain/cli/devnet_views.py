"""A devnet as documents for machines and as screens for people."""

from collections.abc import Sequence
from typing import Any

from urbanchain import __version__
from urbanchain.cli.output import grouped, short, table
from urbanchain.devnet.cluster import NodeView
from urbanchain.devnet.state import DevnetState

ACCOUNTS_SHOWN = 6


def view_document(state: DevnetState, views: Sequence[NodeView]) -> dict[str, Any]:
    """`devnet status -o json`: fixed fields, then more."""
    return {
        "chain": state.chain,
        "genesis": state.genesis_hash,
        "directory": str(state.directory.resolve()),
        "nodes": [
            {
                "name": view.entry.name,
                "agency": view.entry.agency,
                "pid": view.pid,
                "api": view.entry.api,
                "p2p": view.entry.p2p,
                "height": view.status.get("height"),
                "view": view.status.get("view"),
                "state": view.state,
                "hash": view.status.get("hash"),
                "state_root": view.status.get("state_root"),
                "primary": view.status.get("primary"),
                "pending": view.status.get("pending"),
            }
            for view in views
        ],
    }


def status_text(state: DevnetState, views: Sequence[NodeView]) -> str:
    """`devnet status`."""
    rows = [
        (
            view.entry.name,
            view.entry.agency,
            view.state,
            _or_dash(view.status.get("height")),
            _or_dash(view.status.get("view")),
            short(str(view.status.get("hash", "-"))),
            view.entry.api,
            _or_dash(view.pid),
        )
        for view in views
    ]
    header = ("node", "agency", "state", "height", "view", "head", "api", "pid")
    headline = f"devnet {state.chain!r} in {state.directory}, genesis {short(state.genesis_hash)}"
    return f"{headline}\n{table(rows, header)}"


def up_text(state: DevnetState, views: Sequence[NodeView], took_s: float | None) -> str:
    """`devnet up`: what runs, who has an account, what to try."""
    faults = (len(views) - 1) // 3
    ready = "runs already" if took_s is None else f"ready in {took_s:.1f} s"
    plural = "" if faults == 1 else "s"
    rows = [
        (view.entry.name, view.entry.agency, view.entry.api, view.entry.p2p, _or_dash(view.pid))
        for view in views
    ]
    nodes = table(rows, ("node", "agency", "api", "p2p", "pid"))
    return (
        f"urbanchain {__version__} · devnet {state.chain!r} · {len(views)} validators,"
        f" tolerates {faults} fault{plural} · {ready}\n{nodes}\n\n"
        f"{accounts_text(state, ACCOUNTS_SHOWN)}\n\n"
        f"  Try   urbanchain tx transfer alice bob 5      urbanchain devnet kill 0"
        f"      urbanchain devnet down"
    )


def account_documents(state: DevnetState) -> list[dict[str, Any]]:
    """`devnet accounts -o json`."""
    return [
        {
            "name": account.name,
            "agency": account.agency,
            "address": account.address,
            "roles": list(account.roles),
            "balance": str(account.balance),
            "key": str(state.directory / account.key_file),
        }
        for account in state.accounts
    ]


def accounts_text(state: DevnetState, shown: int | None) -> str:
    """The first `shown` accounts, or all."""
    listed = state.accounts if shown is None else state.accounts[:shown]
    rows = [
        (
            account.name,
            account.agency,
            account.address,
            grouped(account.balance),
            " ".join(account.roles),
            state.directory / account.key_file,
        )
        for account in listed
    ]
    text = table(rows, ("account", "agency", "address", "at start", "roles", "private key"))
    hidden = len(state.accounts) - len(listed)
    if hidden:
        text += f"\n  … and {hidden} more: urbanchain devnet accounts --all"
    return (
        f"{text}\n  These keys derive from the public seed {state.seed!r}."
        " Never use them outside a devnet."
    )


def _or_dash(value: object) -> object:
    return "-" if value is None else value
