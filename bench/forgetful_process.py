"""`tutti serve` without the history: `python bench/forgetful_process.py`, settings from the environment.

What an update costs with history is measured beside it. A program of its own, so that bench itself imports nothing of
the product. Only what changed is not remembered; rows, versions, events and idempotency are as ever.
"""

import sys

from db.unit_of_work import UnitOfWork
from server.cli import main

if __name__ == "__main__":
    UnitOfWork.remember = lambda *_, **__: None  # type: ignore[method-assign]
    sys.argv[1:] = ["serve"]
    sys.exit(main())
