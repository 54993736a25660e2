/**
 * Builds the package into dist/: `node build.mjs`. What is not in src/ is brought there first: the types of the schema and of
 * the documents, and the replica, whose one source is the web client's `web/src/sync`.
 *
 * Invariant: src/generated is made anew by every build, and nothing else writes it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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
run("@graphql-codegen/cli/cjs/bin.js", "--config", "codegen.ts", "--silent");
run("typescript/bin/tsc");
