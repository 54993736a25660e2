/**
 * Every document that our pages send, as they send it, by its hash: what a server that takes trusted documents only has to
 * take. `make web` runs this, and writes it into dist/documents.json.
 *
 * Invariant: what a page asks stands in a .graphql file or in a documents.ts, or that server refuses it.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { DocumentNode } from "graphql";
import { formatDocument, stringifyDocument } from "urql";
import * as first from "./gql/graphql";
import * as later from "./gql/later/graphql";
import * as graphiql from "./graphiql/documents";
import * as join from "./join/documents";
import { IS_VALID, MUTATIONS } from "./mail/documents";
import * as session from "./session/documents";

const texts = [graphiql, join, MUTATIONS, { IS_VALID }, session].flatMap((each): string[] => Object.values(each));
for (const [name, document] of [...Object.entries(first), ...Object.entries(later)] as [string, DocumentNode][]) {
  if (!name.endsWith("Document")) continue;
  // urql's cache asks for every __typename; what goes over the socket does not go by it.
  texts.push(stringifyDocument(document), stringifyDocument(formatDocument(document) as DocumentNode));
}

const manifest = Object.fromEntries(texts.map((text) => [createHash("sha256").update(text).digest("hex"), text]));
writeFileSync(process.argv[2]!, JSON.stringify(manifest));
