"""Local clusters of real validator processes: for developers, demonstrations and tests.

layout.py says what a devnet consists of (pure), files.py writes it, processes.py starts and stops it, state.py is what
is remembered between two commands, cluster.py is the handle they share, demo.py the demonstration.
"""
