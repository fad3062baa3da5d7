"""The one task that owns what is mutable: replica, ledger, mempool, journal. Everyone else talks to
its inbox.

inbox.py says what can arrive, driver.py is the loop, and each concern is a module that the loop
calls: hosting.py obeys the replica's effects, ingestion.py admits transactions, catching_up.py
fetches and serves blocks. reception.py fills the inbox from the links.
"""
