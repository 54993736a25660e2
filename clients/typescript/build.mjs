/**
 * Builds the package into dist/: `node build.mjs`. What is not in src/ is brought there first: the types of the schema and of
 * the documents, which inputs take a `clientMutationId`, and the replica, whose one source is the web client's `web/src/sync`.
 *
 * Invariant: src/generated is made anew by every build, and nothing else writes it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSchema, isInputObjectType } from "graphql";

const here = dirname(fileURLToPath(import.meta.url));
const replica = join(here, "../../web/src/sync");
const run = (program, ...options) =>
  execFileSync(process.execPath, [join(here, "node_modules", program), ...options], { cwd: here, stdio: "inherit" });

for (const folder of ["src/generated", "dist"]) rmSync(join(here, folder), { recursive: true, force: true });
mkdirSync(join(here, "src/generated/sync"), { recursive: true });
for (const file of readdirSync(replica)) {
  if (!file.endsWith(".ts") || file.includes(".test.")) continue;
  // Bundlers find "./replica"; Node, which this package is for as well, wants the name of the file.
  const source = readFileSync(join(replica, file), "utf8").replace(/(from "\.\/[\w-]+)"/g, '$1.js"');
  writeFileSync(join(here, "src/generated/sync", file), source);
}
const schema = buildSchema(readFileSync(join(here, "../../graphql-schema.graphql"), "utf8"));
const isKeyed = (type) => isInputObjectType(type) && "clientMutationId" in type.getFields();
const keyed = Object.values(schema.getTypeMap()).filter(isKeyed).map(({ name }) => name);
const told = "/** The inputs that take a `clientMutationId`: with one, a mutation that is sent twice has one effect. */";
const made = `${told}\nexport const KEYED_INPUTS: ReadonlySet<string> = new Set(${JSON.stringify(keyed)});\n`;
writeFileSync(join(here, "src/generated/keyed.ts"), made);
run("@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts", "--silent");
run("typescript/bin/tsc");
