"""A validator's process: puts the parts together, runs them, takes them down in reverse order."""

from urbanchain.node.process import run_node

__all__ = ["run_node"]
