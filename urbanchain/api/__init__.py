"""The HTTP interface: a public listener for clients and a loopback one for operators.

Where to look: `backend.py` what the API needs of a node; `problems.py` everything it can refuse, in
one table; `routes.py` every route, in one table; `app.py` limits and listeners. This file imports
nothing, so that the SDK and the command line can use the catalogue without a web server.
"""
