"""Telling what became of a transaction: waiting for it, writing its receipt, and the exit code."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consensus import CommitCertificate
from urbanchain.cli.context import Chain
from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.cli.output import Form, Mark
from urbanchain.client import Client, Fate, Pending, Receipt, Refused, StillPending
from urbanchain.receipts import ReceiptFile

RECEIPTS_NAME = "receipts"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the answer comes from and where the receipt goes."""

    chain: Chain
    client: Client
    receipt: Path | None
    """The receipt's file as the user wants it."""
    document: Path | None = None
    """The file that is recorded."""

    def receipt_path(self, transaction_id: str) -> Path:
        """Where the receipt of a transaction that was waited for is written."""
        if self.receipt is not None:
            return self.receipt
        devnet = self.chain.devnet
        root = Path() if devnet is None or self.chain.settings.urls else devnet.directory
        return root / RECEIPTS_NAME / f"{transaction_id}.json"

    @property
    def genesis(self) -> str:
        """How to name the chain's genesis file in an example."""
        devnet = self.chain.devnet
        return "genesis.json" if devnet is None else str(devnet.genesis)


def await_final(delivery: Delivery, transaction_id: str, pending: Pending | None = None) -> int:
    """Wait for a transaction, write its receipt, say what it proves; the exit code."""
    timeout_s = delivery.chain.settings.timeout_s
    started = time.monotonic()
    try:
        if pending is not None:
            receipt = pending.final(timeout_s)
        else:
            _check_known(delivery, transaction_id)
            receipt = delivery.client.final(transaction_id, timeout_s)
    except Refused as refused:
        return _tell_refused(delivery, refused)
    except StillPending as still:
        return _tell_pending(delivery, still, timeout_s)
    elapsed_ms = round((time.monotonic() - started) * 1000)
    path = _write(delivery.receipt_path(transaction_id), receipt)
    finality_ms = elapsed_ms if receipt.finality_ms is None else receipt.finality_ms
    document = _document(transaction_id, receipt, path) | {"finality_ms": finality_ms}
    screen = delivery.chain.settings.screen
    screen.data(document, lambda: _final_text(delivery, receipt, finality_ms, path))
    return Exit.DONE


def show_fate(delivery: Delivery, transaction_id: str) -> int:
    """Say what is known now; the exit code: 3 if nothing is, 4 if it was refused."""
    fate = delivery.client.fate(transaction_id)
    screen = delivery.chain.settings.screen
    path = None
    if fate.state == "final" and delivery.receipt is not None:
        path = _write(delivery.receipt, delivery.client.receipt(transaction_id))
    document = _fate_document(fate, path)
    screen.data(document, lambda: _fate_text(delivery, fate, path))
    if fate.state == "unknown":
        return Exit.NOT_FOUND
    return Exit.REFUSED if fate.outcome == "refused" else Exit.DONE


def _check_known(delivery: Delivery, transaction_id: str) -> None:
    """A mistyped id must not look like a slow transaction; one that is new may take a moment to
    reach the node we ask, so it is asked twice."""
    if delivery.client.fate(transaction_id, wait_s=0.5).state == "unknown":
        raise CommandFailed(
            Exit.NOT_FOUND,
            f"no node asked knows a transaction {transaction_id}",
            "check the id; a transaction is forgotten once it has expired unexecuted",
        )


def _tell_refused(delivery: Delivery, refused: Refused) -> int:
    screen = delivery.chain.settings.screen
    path, document = None, {"id": refused.id, "fate": "final", "outcome": "refused"}
    receipt = refused.receipt
    if isinstance(receipt, Receipt):
        path = _write(delivery.receipt_path(refused.id), receipt)
        document = _document(refused.id, receipt, path)
    sentence = delivery.chain.with_names(refused.sentence or refused.code)
    if screen.form is not Form.TEXT:
        screen.data(document | {"reason": sentence}, str)
    lines = f"refused: {sentence}  ({refused.code})"
    hint = f"proof: {path}" if path else ""
    raise CommandFailed(Exit.REFUSED, lines, hint)


def _tell_pending(delivery: Delivery, still: StillPending, timeout_s: float) -> int:
    screen = delivery.chain.settings.screen
    expires = _clock(still.expires_at_ms)
    document = _empty_document(still.id) | {"fate": "pending", "expires_at": expires}
    if screen.form is not Form.TEXT:
        screen.data(document, str)
    until = "it is final or expired" if expires is None else expires
    text = f"not final after {timeout_s:g} s; the outcome is unknown until {until}."
    screen.complain(screen.marked(Mark.OPEN, text))
    screen.complain(f"  urbanchain tx wait {still.id}")
    return Exit.TIMED_OUT


def _final_text(delivery: Delivery, receipt: Receipt, finality_ms: int, path: Path) -> str:
    signed = describe_signers(delivery.client, _certificate_of(receipt))
    screen = delivery.chain.settings.screen
    headline = f"final in block {receipt.height} after {finality_ms / 1000:.2f} s, {signed}"
    document = "" if delivery.document is None else f" --document {delivery.document}"
    return (
        f"{screen.marked(Mark.GOOD, headline)}\n"
        f"  id       {receipt.id}\n"
        f"  receipt  {path}\n"
        f"  verify   urbanchain verify {path}{document} --genesis {delivery.genesis}"
    )


def describe_signers(client: Client, certificate: CommitCertificate) -> str:
    """`3 of 4 validators signed`: as many as the certificate proves."""
    return f"{len(certificate.signatures)} of {len(client.validators())} validators signed"


def _certificate_of(receipt: Receipt) -> CommitCertificate:
    """The receipt's own: late COMMITs may have joined the chain's since."""
    return CommitCertificate.decode(ReceiptFile.decode(receipt.file).certificate)


def _fate_text(delivery: Delivery, fate: Fate, path: Path | None) -> str:
    screen = delivery.chain.settings.screen
    written = f"\n  receipt  {path}" if path else ""
    if fate.state == "final" and fate.outcome == "applied":
        signed = describe_signers(
            delivery.client, _certificate_of(delivery.client.receipt(fate.id))
        )
        text = f"final in block {fate.height}, applied, {signed}"
        return screen.marked(Mark.GOOD, text) + written
    if fate.state == "final":
        reason = delivery.chain.with_names(fate.reason or fate.code)
        text = f"final in block {fate.height}, refused: {reason}  ({fate.code})"
        return screen.marked(Mark.BAD, text) + written
    until = _clock(fate.expires_at_ms)
    text = f"{fate.state}: {fate.id}" + (f", may be executed until {until}" if until else "")
    return screen.marked(Mark.OPEN, text)


def _empty_document(transaction_id: str) -> dict[str, Any]:
    """The fixed fields, in their order."""
    return {
        "id": transaction_id,
        "fate": "unknown",
        "outcome": None,
        "code": None,
        "height": None,
        "block_hash": None,
        "finality_ms": None,
        "receipt": None,
    }


def _document(transaction_id: str, receipt: Receipt, path: Path | None) -> dict[str, Any]:
    return _empty_document(transaction_id) | {
        "fate": "final",
        "outcome": receipt.outcome,
        "code": receipt.code or None,
        "height": receipt.height,
        "block_hash": receipt.block_hash,
        "finality_ms": receipt.finality_ms,
        "receipt": None if path is None else str(path),
    }


def _fate_document(fate: Fate, path: Path | None) -> dict[str, Any]:
    return _empty_document(fate.id) | {
        "fate": fate.state,
        "outcome": fate.outcome,
        "code": fate.code or None,
        "height": fate.height,
        "block_hash": fate.block_hash,
        "finality_ms": fate.finality_ms,
        "receipt": None if path is None else str(path),
        "reason": fate.reason or None,
        "expires_at": _clock(fate.expires_at_ms),
    }


def _write(path: Path, receipt: Receipt) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    receipt.save(path)
    return path


def _clock(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
