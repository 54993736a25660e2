/** Validates every document of these tests against a schema file: `node validate.mjs ../../graphql-schema.graphql`. */
import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { documents } from "./documents.mjs";

const schema = buildSchema(readFileSync(process.argv[2], "utf8"));
const problems = Object.entries(documents).flatMap(([name, text]) =>
  validate(schema, parse(text)).map((error) => `${name}: ${error.message}`),
);
for (const problem of problems) console.error(problem);
if (problems.length) process.exit(1);
console.log(`${Object.keys(documents).length} documents are valid`);
