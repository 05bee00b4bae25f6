"""The command line ``f2p``: a module per family of verbs.

Exit status: 0 done; 2 the user's mistake, or photos of a batch that could not be used; 3 engine trouble; 130 Ctrl-C.
Standard output carries results, as JSON with ``--json``; progress and errors go to standard error.
"""

from flows.cli.app import app, main

__all__ = ["app", "main"]
