"""Makes access tokens: `python bench/token_process.py`, the secret in TUTTI_JWT_SECRET, (user, session) pairs as JSON on
standard input, tokens as JSON on standard output.

A program of its own, so that bench itself imports nothing of the product.
"""

import json
import os
import sys
from uuid import UUID

from server.tokens import AccessTokens

if __name__ == "__main__":
    tokens = AccessTokens((os.environ["TUTTI_JWT_SECRET"],))
    pairs = json.load(sys.stdin)
    json.dump([tokens.issue(UUID(user), UUID(session))[0] for user, session in pairs], sys.stdout)
