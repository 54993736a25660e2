"""The code of docs/webhooks.md runs: it takes what is signed, and refuses what is not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from db.unit_of_work import now
from domain.webhooks import new_secret
from jobs.webhook_posting import signed
from tests.processes import ROOT

sys.path.insert(0, str(ROOT / "web"))

from node import find_node

TEXT = (ROOT / "docs" / "webhooks.md").read_text()
BODY = b'{"type":"webhook.test","title":"\xc3\xa9"}'


def code(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def headers(*secrets: str) -> dict[str, str]:
    return signed("delivery_1", secrets, BODY, now())


def cases() -> list[tuple[str, dict[str, str], bytes, bool]]:
    secret, other = new_secret(), new_secret()
    return [
        (secret, headers(secret), BODY, True),
        (secret, headers(other, secret), BODY, True),
        (secret, headers(other), BODY, False),
        (secret, headers(secret), BODY + b" ", False),
        (secret, {**headers(secret), "webhook-timestamp": "1767225600"}, BODY, False),
        (secret, {}, BODY, False),
    ]


def test_the_python_code_verifies() -> None:
    scope: dict[str, Any] = {}
    exec(code("python"), scope)
    for secret, given, body, is_ours in cases():
        assert scope["verified"](secret, given, body) == (json.loads(BODY) if is_ours else None)


def test_the_node_code_verifies(tmp_path: Path) -> None:
    told = [[secret, given, body.decode()] for secret, given, body, _ in cases()]
    (tmp_path / "verify.mjs").write_text(
        f"{code('js')}\nconst cases = {json.dumps(told)}\n"
        "const found = cases.map(([secret, headers, body]) => verified(secret, headers, Buffer.from(body)))\n"
        "console.log(JSON.stringify(found))\n"
    )
    ran = subprocess.run(
        [str(find_node().executable), str(tmp_path / "verify.mjs")], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == [json.loads(BODY) if is_ours else None for *_, is_ours in cases()]
