"""Documents known by the SHA-256 of their text, so that it need not be sent: Apollo's automatic persisted queries, and
trusted documents, whose list a server is given.

https://www.apollographql.com/docs/apollo-server/performance/apq; the parameter `documentId` is that of GraphQL over
HTTP's appendix A. Invariant: what is kept by a hash has that hash, and is a valid document.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import GraphQLError

from execution.documents import Refused
from execution.kept import Kept

MAX_KEPT_BYTES = 4_000_000


class Shelf(Protocol):
    """Where all processes keep documents; it may lose any of them, and be away."""

    async def get(self, key: str) -> str | None:
        """The text of this hash; None if it is not there, or not to be had in time. Never raises."""

    async def put(self, key: str, text: str) -> None:
        """Keep a text for a while. Never raises."""


@dataclass(frozen=True, slots=True)
class Named:
    """A document's text. `key`: the hash to keep it by, once it is known to be valid; None: nothing to keep."""

    text: str
    key: str | None = None


class Persisted:
    """The documents of one server that are known by their hash. `trusted`: id -> text."""

    def __init__(self, shelf: Shelf | None = None, trusted: Mapping[str, str] | None = None) -> None:
        self._shelf = shelf
        self._trusted = {**(trusted or {}), **{hash_of(text): text for text in (trusted or {}).values()}}
        self._kept: Kept[str, tuple[str, bool]] = Kept(MAX_KEPT_BYTES)
        """hash -> (text, whether the shelf was given it, or gave it)."""

    async def named(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any]) -> Named:
        """The document that a request means. Raises Refused."""
        asked = extensions.get("persistedQuery")
        if document_id is not None:
            text = self._trusted.get(document_id) or self._trusted.get(document_id.removeprefix("sha256:"))
            if text is None:
                raise Refused(GraphQLError("There is no document of this id."))
            return Named(text)
        if asked is None:
            if query is None:
                raise Refused(GraphQLError("`query` must be a string."))
            return Named(query)
        key = _key_of(asked)
        if query is not None:
            if hash_of(query) != key:
                raise Refused(GraphQLError("The sha256Hash is not that of the query."))
            return Named(query, key)
        text = self._trusted.get(key) or await self._find(key)
        if text is None:
            # Apollo's clients know it by these words, and send the text with the hash.
            raise Refused(GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"}))
        return Named(text)

    async def keep(self, named: Named, *, is_shared: bool) -> None:
        """Keep a valid document by its hash; `is_shared`: for the other processes, too."""
        if named.key is None or named.key in self._trusted:
            return
        known = self._kept.get(named.key)
        was_shared = known is not None and known[1]
        self._keep(named.key, named.text, is_shared=is_shared or was_shared)
        # What a stranger asked for first is kept here alone until somebody whom we know asks for it.
        if is_shared and not was_shared and self._shelf is not None:
            await self._shelf.put(named.key, named.text)

    async def _find(self, key: str) -> str | None:
        known = self._kept.get(key)
        if known is not None:
            return known[0]
        text = None if self._shelf is None else await self._shelf.get(key)
        if text is None or hash_of(text) != key:
            return None
        self._keep(key, text, is_shared=True)
        return text

    def _keep(self, key: str, text: str, *, is_shared: bool) -> None:
        self._kept.keep(key, (text, is_shared), sys.getsizeof(key) + sys.getsizeof(text))


def hash_of(text: str) -> str:
    """As clients write it: lower-case hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key_of(asked: object) -> str:
    if not isinstance(asked, dict) or asked.get("version") != 1:
        raise Refused(GraphQLError("The persistedQuery must have version 1."))
    key = asked.get("sha256Hash")
    if not isinstance(key, str) or len(key) != 64 or set(key) - set("0123456789abcdef"):
        raise Refused(GraphQLError("The sha256Hash must be 64 hexadecimal digits in lower case."))
    return key


def trusted_documents(manifest: object) -> dict[str, str]:
    """id -> text of a manifest: Apollo's (`operations` with `id` and `body`), or an object of texts by id.

    Raises ValueError if it is neither.
    """
    if isinstance(manifest, dict) and isinstance(manifest.get("operations"), list):
        pairs = [(one.get("id"), one.get("body")) for one in manifest["operations"] if isinstance(one, dict)]
        is_whole = len(pairs) == len(manifest["operations"])
    else:
        pairs = list(manifest.items()) if isinstance(manifest, dict) else []
        is_whole = bool(pairs)
    if not is_whole or not all(isinstance(key, str) and isinstance(text, str) for key, text in pairs):
        raise ValueError("it has to be Apollo's manifest, or an object of documents by their ids")
    return {str(key): str(text) for key, text in pairs}
