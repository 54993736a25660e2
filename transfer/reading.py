"""Files as lines. Each reader holds one piece of its file at a time, and says where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from transfer import github, todoist, trello
from transfer.lines import FORMAT, VERSION, HeaderLine, Malformed, Numbered, read_line
from transfer.sources import Reader, Source

MAX_LINE_BYTES = 16 * 2**20
OWN = "jsonl"
"""The format of our own exports."""


def jsonl(source: Source) -> Iterator[Numbered]:
    """The lines of an export. Raises Malformed, naming the line."""
    file = source.file
    file.seek(0)
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
        yield f"line {number}", line
    if not has_header:
        raise Malformed("the file is empty")


READERS: Mapping[str, Reader] = {OWN: jsonl, "github": github.read, "trello": trello.read, "todoist": todoist.read}
"""By the name of the format."""
BY_CATEGORY = frozenset({"github"})
"""Formats without statuses of their own, but open and closed: the first status of such a category will do."""
