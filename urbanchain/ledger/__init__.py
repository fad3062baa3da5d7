"""The ledger: what transactions mean, and what a block is. Pure but for the store it reads.

admission.py says what may be in a block, execution.py what a block does, chain.py proposes, judges
and commits, reader.py answers questions about what is committed.
"""
