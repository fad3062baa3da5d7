"""Measurements. Nothing here is a test: figures move with the machine, so compare runs of one
minute."""
