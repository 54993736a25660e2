import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

/** Every page is static HTML with hashed assets; nothing is inline, so the server can forbid inline scripts. */
export default defineConfig({
  plugins: [tailwindcss()],
  server: { proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true } } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // GraphiQL's editor is large by nature and is loaded by its own page only.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: ["index.html", "join.html", "reset.html", "verify.html", "unsubscribe.html", "graphiql.html", "not-found.html"],
      onLog(level, log, report) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
      },
    },
  },
});
