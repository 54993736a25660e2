/** All audits of npm graphql-http (the GraphQL-over-HTTP specification) against a server: each must be ok, none may warn. */
import { auditServer } from "graphql-http";
import { assert, program, step } from "./harness.mjs";

await program("audit", async (url) => {
  step("asking for all audits");
  const results = await auditServer({ url });
  for (const { id, name, status, reason } of results) {
    console.log(`  ${status === "ok" ? "ok    " : status.toUpperCase()} ${id} ${name}${status === "ok" ? "" : `: ${reason}`}`);
  }
  const bad = results.filter(({ status }) => status !== "ok");
  assert(results.length > 0 && !bad.length, `${bad.length} of ${results.length} audits are not ok`);
  console.log(`${results.length} audits ok`);
});
