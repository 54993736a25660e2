/**
 * GraphQL Inspector: the schema keeps what the released one promised, and no document of ours is invalid or uses what is
 * deprecated. `node inspect.mjs <repository>`. Whether the day of a deprecation has come, `tutti export-schema --check` knows.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CriticalityLevel, diff, DiffRule, validate } from "@graphql-inspector/core";
import { buildSchema, Source } from "graphql";
import { documents } from "./documents.mjs";

const repository = process.argv[2];
const read = (file) => readFileSync(join(repository, file), "utf8");
const schema = buildSchema(read("graphql-schema.graphql"));
const released = buildSchema(read("graphql-schema.released.graphql"));

const changes = await diff(released, schema, [DiffRule.suppressRemovalOfDeprecatedField]);
const broken = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);

const pages = readdirSync(join(repository, "web/src"), { recursive: true }).filter((file) => file.endsWith(".graphql"));
const written = [
  Object.entries(documents).map(([name, text]) => new Source(text, `tests/clients/documents.mjs ${name}`)),
  [new Source(read("docs/examples.graphql"), "docs/examples.graphql")],
  ...["graphiql", ""].map((folder) =>
    pages
      .filter((file) => file.startsWith("graphiql") === (folder === "graphiql"))
      .map((file) => new Source(read(join("web/src", file)), `web/src/${file}`)),
  ),
];
const invalid = written.flatMap((sources) => validate(schema, sources, { strictFragments: false }));

for (const { message } of broken) console.error(`Breaking: ${message}`);
for (const { source, errors, deprecated } of invalid)
  for (const { message } of [...errors, ...deprecated]) console.error(`${source.name}: ${message}`);
if (broken.length || invalid.length) process.exit(1);
console.log(`${changes.length} changes since the release, none breaking; ${written.flat().length} sources are valid`);
