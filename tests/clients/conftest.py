"""Fixtures of these tests."""

from __future__ import annotations

import pytest

from tests.clients.programs import HERE, Node, find_node, install


@pytest.fixture(scope="session")
def node() -> Node:
    """A Node, with the packages of this folder."""
    found = find_node()
    install(HERE, found)
    return found
