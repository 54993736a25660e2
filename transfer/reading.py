"""Files as lines. Each reader holds one piece of its file at a time, and says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from transfer.lines import FORMAT, VERSION, HeaderLine, Line, Malformed, read_line

MAX_LINE_BYTES = 16 * 2**20


def jsonl(file: IO[bytes]) -> Iterator[tuple[int, Line]]:
    """The lines of an export. Raises Malformed, naming the line."""
    number = 0
    has_header = False
    while text := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(text) > MAX_LINE_BYTES:
            raise Malformed(f"line {number} is longer than {MAX_LINE_BYTES // 2**20} MiB")
        if not text.strip():
            continue
        try:
            line = read_line(text)
        except Malformed as error:
            if not has_header:
                raise Malformed(f"this is no export of Tutti: its first line is no header ({error})") from error
            raise Malformed(f"line {number}: {error}") from error
        if has_header == isinstance(line, HeaderLine):
            raise Malformed(f"line {number}: an export has one header, as its first line")
        if isinstance(line, HeaderLine) and line.version != VERSION:
            raise Malformed(f"this export is of version {line.version} of {FORMAT}; this Tutti reads {VERSION}")
        has_header = True
        yield number, line
    if not has_header:
        raise Malformed("the file is empty")
