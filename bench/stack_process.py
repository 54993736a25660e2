"""Runs the embedded servers until its standard input ends: `python bench/stack_process.py FOLDER`.

A program of its own, so that bench itself imports nothing of the product. Prints one line of JSON with the addresses.
PostgreSQL notes the time of each commit here, which is what latency is measured from; all else is as `tutti serve` has it.
"""

import json
import sys
from pathlib import Path

from server.stack import EmbeddedStack

if __name__ == "__main__":
    with EmbeddedStack(Path(sys.argv[1]), postgres_settings={"track_commit_timestamp": "on"}) as stack:
        postgres, valkey = stack.postgres.pid, stack.valkey.pid
        addresses = {"database_url": stack.database_url, "redis_url": stack.redis_url, "pids": [postgres, valkey]}
        print(json.dumps(addresses), flush=True)
        sys.stdin.read()
