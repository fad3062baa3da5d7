"""What can be wrong with a message from a peer. Raised by codec and authentication, caught at the
peer.

    ConsensusError
    ├── MalformedMessage    bytes that no honest replica sends
    ├── WrongEpoch          a member of another epoch speaks: older ones need blocks, newer ones
    have them └── NotAuthentic        well-formed, but its signer may not say it, or did not
"""


class ConsensusError(Exception):
    """The root of this package's errors."""


class MalformedMessage(ConsensusError):
    """The bytes break the format; `reason` says how."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongEpoch(ConsensusError):
    """The message names another epoch than ours."""

    def __init__(self, epoch: int, height: int) -> None:
        super().__init__(f"message of epoch {epoch} at height {height}")
        self.epoch = epoch
        self.height = height


class NotAuthentic(ConsensusError):
    """`part` of the message is not what its signer may say; `reason` says why."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
        self.reason = reason
