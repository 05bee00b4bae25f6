"""``python -m flows.cli``, where the command ``f2p`` is not on the path."""

import sys

from flows.cli import main

sys.exit(main())
