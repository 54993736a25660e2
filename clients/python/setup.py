"""Builds the package: what the generator makes of the schema and of operations.graphql becomes `tutti_client/api`.

A source distribution has it already, and no schema.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
SCHEMA = HERE / "../../graphql-schema.graphql"
SOURCES = (SCHEMA, *(HERE / name for name in ("operations.graphql", "pyproject.toml", "setup.py", "tolerance.py")))
MADE = HERE / "tutti_client/api/client.py"


def generate() -> None:
    """Write `tutti_client/api`, unless it is newer than all it is made of."""
    if not SCHEMA.exists() or (MADE.exists() and MADE.stat().st_mtime > max(one.stat().st_mtime for one in SOURCES)):
        return
    program = "import sys; sys.path.insert(0, '.'); from ariadne_codegen.main import main; main([])"
    subprocess.run([sys.executable, "-c", program], cwd=HERE, check=True)  # noqa: S603 - what to run is written here


generate()
setup()
