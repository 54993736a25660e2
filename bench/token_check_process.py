"""Asks who an API token is, again and again, as a server process does: `python bench/token_check_process.py TIMES`, the
secret in TOKEN, the database in DATABASE_URL. Writes [first ms, milliseconds for each of the rest] as JSON.

A program of its own, so that bench itself imports nothing of the product.
"""

import asyncio
import json
import os
import sys
import time

from db.session import Database
from server.tokens import TokenCheck


async def main(times: int) -> list[float]:
    database, secret = Database(os.environ["DATABASE_URL"]), os.environ["TOKEN"]
    await database.ping()
    check = TokenCheck(database)
    began = time.perf_counter()
    await check.verify(secret)
    first = (time.perf_counter() - began) * 1e3
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await check.verify(secret)
        took.append((time.perf_counter() - began) * 1e3)
    await database.close()
    return [first, *took]


if __name__ == "__main__":
    json.dump(asyncio.run(main(int(sys.argv[1]))), sys.stdout)
