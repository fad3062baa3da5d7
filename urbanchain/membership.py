"""From the chain's validators, with names and agencies, to the set that consensus counts with."""

from consensus import ReplicaSet
from urbanchain.genesis import GenesisFile
from urbanchain.types import ValidatorSet


def make_replica_set(
    genesis: GenesisFile, validators: ValidatorSet, epoch: int = 0, first_height: int = 1
) -> ReplicaSet:
    """The members of an epoch that begins at `first_height`. Raises ValueError."""
    return ReplicaSet(
        genesis=genesis.hash,
        epoch=epoch,
        first_height=first_height,
        members=validators.keys(),
        rotation_blocks=genesis.genesis.parameters.rotation_blocks,
    )
