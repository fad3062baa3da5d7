"""Local clusters of real validator processes: for developers, demonstrations and tests.

layout.py says what a devnet consists of (pure), files.py writes it, state.py is what is remembered
between two commands, processes.py signals exactly the process that is meant, nodes.py starts and
watches validators, cluster.py is what can be done to a devnet as a whole, demo.py the
demonstration.
"""
