"""A devnet in the foreground: one line a block, and one whenever the view changes."""

import signal
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from urbanchain.cli.output import Screen
from urbanchain.client import Client, ClientOptions, NotFound, Unreachable
from urbanchain.devnet.errors import DevnetMissing
from urbanchain.devnet.state import DevnetState, load_state

POLL_S = 0.2
_PAUSE_S = 1.0


@dataclass(slots=True)
class _Seen:
    height: int
    view: int
    names: dict[str, str] = field(default_factory=dict)
    """Validators by address."""


def hear_stop_signals() -> None:
    """Let SIGTERM, and SIGINT even where the shell that started us in the background has it
    ignored, interrupt us: whoever stops us wants the nodes that we started stopped too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def watch(screen: Screen, state: DevnetState) -> None:
    """Until it is interrupted, or the devnet is taken down by another command."""
    screen.say("  Ctrl-C stops everything")
    options = ClientOptions(timeout_s=2.0)
    with Client(state.urls, options=options) as client:
        status = client.status()
        names = {v.address: v.name for v in client.validators()}
        seen = _Seen(status.height, status.view, names)
        while _is_there(state):
            try:
                _show_news(screen, client, seen)
            except (Unreachable, NotFound):
                time.sleep(_PAUSE_S)
            time.sleep(POLL_S)
    screen.say("the devnet was taken down")


def _is_there(state: DevnetState) -> bool:
    try:
        load_state(state.directory)
    except DevnetMissing:
        return False
    return True


def _show_news(screen: Screen, client: Client, seen: _Seen) -> None:
    status = client.status()
    now = datetime.now().strftime("%H:%M:%S")
    if status.view != seen.view:
        screen.say(f"{now}  view {seen.view} -> {status.view}  {status.primary} now proposes")
        seen.view = status.view
    while seen.height < status.height:
        seen.height += 1
        screen.say(f"{now}  {_describe(client, seen)}")


def _describe(client: Client, seen: _Seen) -> str:
    block: Any = client.get_json(f"/v1/blocks/{seen.height}")
    certificate: Any = client.get_json(f"/v1/blocks/{seen.height}/certificate")
    proposer = seen.names.get(block["proposer"], block["proposer"])
    signed = f"{len(certificate['signatures'])}/{len(seen.names)} signed"
    return (
        f"block {block['height']}   {block['transaction_count']} tx   view {certificate['view']}"
        f"   {proposer} proposed   {signed}"
    )
