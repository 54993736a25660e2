"""Asks who an API token is, again and again, as a server process does: `python bench/token_check_process.py TIMES`, the
secret in TOKEN, the database in DATABASE_URL. Writes {first, again, rest} as JSON: the first one, `AGAIN` that come each when
the one before is forgotten, and TIMES one after another; milliseconds.

A program of its own, so that bench itself imports nothing of the product.
"""

import asyncio
import json
import os
import sys
import time

from db.session import Database
from server.tokens import SESSION_CHECK_SECONDS, TokenCheck

AGAIN = 20


async def main(times: int) -> dict[str, list[float]]:
    database, secret = Database(os.environ["DATABASE_URL"]), os.environ["TOKEN"]
    await database.ping()
    at = 0.0
    check = TokenCheck(database, monotonic=lambda: at)

    async def timed() -> float:
        began = time.perf_counter()
        await check.verify(secret)
        return (time.perf_counter() - began) * 1e3

    first, again = await timed(), []
    for _ in range(AGAIN):
        at += SESSION_CHECK_SECONDS  # as if so long nobody had asked
        again.append(await timed())
    check = TokenCheck(database)
    await check.verify(secret)
    rest = [await timed() for _ in range(times)]
    await database.close()
    return {"first": [first], "again": again, "rest": rest}


if __name__ == "__main__":
    json.dump(asyncio.run(main(int(sys.argv[1]))), sys.stdout)
