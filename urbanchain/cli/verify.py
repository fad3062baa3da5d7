"""`urbanchain verify`: a receipt, a document and genesis.json in, a verdict out. No node, no
network."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanchain.cli.exits import Exit
from urbanchain.cli.output import Form, Mark
from urbanchain.cli.root import Command
from urbanchain.cli.settings import Settings, pass_settings

if TYPE_CHECKING:
    from urbanchain.verify import Verdict

_FILE = click.Path(path_type=Path)


@click.command("verify", cls=Command)
@click.argument("receipt", type=_FILE)
@click.option("--genesis", type=_FILE, required=True, metavar="FILE", help="The chain's genesis.")
@click.option("--document", type=_FILE, metavar="FILE", help="The file that was recorded.")
@pass_settings
def verify(settings: Settings, receipt: Path, genesis: Path, document: Path | None) -> int:
    """Check a receipt offline: every link from genesis.json to the document.

    Trusts nothing but the bytes of genesis.json: get that file from someone you trust. Exit code 8
    names the first link that does not hold.

    \b
    Example:
      urbanchain verify deed.pdf.receipt.json --document deed.pdf --genesis genesis.json
    """
    from urbanchain.verify import VerificationFailed, verify_receipt

    content = None if document is None else document.read_bytes()
    try:
        verdict = verify_receipt(receipt.read_bytes(), genesis.read_bytes(), content)
    except VerificationFailed as error:
        if settings.screen.form is not Form.TEXT:
            failed = {"valid": False, "link": error.link.value, "reason": error.reason}
            settings.screen.data(failed, str)
        raise
    settings.screen.data(
        _describe(verdict),
        lambda: settings.screen.marked(Mark.GOOD, _sentence(verdict, receipt, document)),
    )
    return Exit.DONE


def _sentence(verdict: "Verdict", receipt: Path, document: Path | None) -> str:
    from urbanchain.addresses import format_address
    from urbanchain.types import Outcome

    seen = (
        f"block {verdict.height} at {_time(verdict)}; {verdict.signed_by} validators signed;"
        f" genesis {verdict.genesis_hash.hex()}"
    )
    if document is not None:
        name = "/".join(str(part) for part in verdict.arguments[:2])
        return f"{document} was recorded as {name} in {seen}"
    done = "applied" if verdict.outcome is Outcome.APPLIED else f"refused ({verdict.code})"
    who = format_address(verdict.sender)
    return f"{receipt}: {verdict.contract}.{verdict.call} by {who} was {done} in {seen}"


def _describe(verdict: "Verdict") -> dict[str, Any]:
    from urbanchain.addresses import format_address
    from urbanchain.api.schemas import format_value

    digest = verdict.document_sha256
    return {
        "valid": True,
        "chain": verdict.chain,
        "genesis": verdict.genesis_hash.hex(),
        "id": verdict.id.hex(),
        "height": verdict.height,
        "index": verdict.index,
        "block_hash": verdict.block_hash.hex(),
        "time": _time(verdict),
        "outcome": verdict.outcome.name.lower(),
        "code": verdict.code or None,
        "sender": format_address(verdict.sender),
        "contract": verdict.contract,
        "call": verdict.call,
        "arguments": [format_value(value) for value in verdict.arguments],
        "signers": list(verdict.signers),
        "validators": verdict.seat_count,
        "document_sha256": None if digest is None else digest.hex(),
    }


def _time(verdict: "Verdict") -> str:
    from urbanchain.api.schemas import format_time

    return format_time(verdict.time_ms)
