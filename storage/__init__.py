"""A durable ordered map (kv, leveldb, memory), trees over it (merkle, trie, proofs), and the
chain's tables.

Knows nothing of consensus, of what a block means, or of peers. schema.py is the map of the disk.
"""
