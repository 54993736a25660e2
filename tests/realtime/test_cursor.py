"""Cursors as clients keep them."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ids import new_id
from realtime.cursor import MAX_SEQ, Cursor, parse

WORKSPACE = UUID("01a2081c-56a5-7012-b2a0-dc4c6e085e0d")
SEQS = st.integers(0, MAX_SEQ)


@given(SEQS)
def test_a_cursor_survives_the_way_to_the_client_and_back(seq: int) -> None:
    cursor = Cursor(WORKSPACE, "0a1b2c3d", seq)
    assert parse(str(cursor), WORKSPACE) == cursor


@given(SEQS, SEQS)
def test_later_cursors_compare_higher_byte_by_byte(one: int, two: int) -> None:
    texts = [str(Cursor(WORKSPACE, "0a1b2c3d", seq)).encode() for seq in (one, two)]
    assert (texts[0] < texts[1]) == (one < two)


GOOD = str(Cursor(WORKSPACE, "0a1b2c3d", 7))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("v1", "v2"),
        GOOD[:-1],
        GOOD + "0",
        GOOD[:-1] + "\u0667",
        GOOD.replace("0a1b2c3d", "0a1b2c3g"),
        GOOD[:-19] + "9" * 19,
        GOOD.replace(":", ";"),
    ],
)
def test_a_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        parse(text, WORKSPACE)


def test_a_cursor_of_another_workspace_is_refused() -> None:
    with pytest.raises(ValueError, match="another workspace"):
        parse(GOOD, new_id())
