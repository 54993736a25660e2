import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig, type Rolldown } from "vite";

/** The HTML pages that load a module at once. */
function pagesOf(id: string, context: Rolldown.ChunkingContext): readonly string[] {
  const reached = new Set([id]);
  for (const each of reached) for (const importer of context.getModuleInfo(each)?.importers ?? []) reached.add(importer); // also what is added meanwhile
  return [...reached].filter((each) => each.endsWith(".html"));
}

/** What the documents ask for: rows that another build has stored may lack something of it. */
function shapeOfAnswers(): string {
  const hash = createHash("sha256");
  for (const file of ["src/gql/graphql.ts", "src/gql/later/graphql.ts"]) hash.update(readFileSync(new URL(file, import.meta.url)));
  return hash.digest("base64url").slice(0, 8);
}

/** Every page is static HTML with hashed assets; nothing is inline, so the server can forbid inline scripts. */
export default defineConfig({
  plugins: [tailwindcss()],
  define: { SHAPE_OF_ANSWERS: JSON.stringify(shapeOfAnswers()) },
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true } } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // GraphiQL's editor is large by nature and is loaded by its own page only.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: ["index.html", "join.html", "reset.html", "verify.html", "unsubscribe.html", "graphiql.html", "not-found.html"],
      output: {
        chunkFileNames: ({ name }) => `assets/${name.replace(/~.*/, "")}-[hash].js`,
        // What the client loads at once is one file, but for what other pages load, too. Else it were a file for each set of
        // later scripts that share something: 17 more, and 6 kB more as they are sent.
        codeSplitting: {
          groups: [
            { tags: ["$initial"], name: (id, context) => (pagesOf(id, context).length > 1 ? "common" : null), debugName: "common", priority: 1, entriesAware: true },
            { tags: ["$initial"], name: (id, context) => (pagesOf(id, context).some((page) => page.endsWith("/index.html")) ? "client" : null), debugName: "client" },
          ],
        },
      },
      onLog(level, log, report) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
      },
    },
  },
});
