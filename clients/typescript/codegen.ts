import type { CodegenConfig } from "@graphql-codegen/cli";

const config = {
  useTypeImports: true,
  enumsAsTypes: true,
  immutableTypes: true,
  scalars: { ID: "string", DateTime: "string", Date: "string", EventCursor: "string", Rank: "string", URL: "string", UUID: "string", JSON: "unknown" },
};

/** `schema.ts`: every type of the schema. `documents.ts`: the documents, each with the types of its variables and its data. */
export default {
  schema: "../../graphql-schema.graphql",
  documents: "src/documents.graphql",
  generates: {
    "src/generated/schema.ts": { plugins: ["typescript"], config },
    "src/generated/documents.ts": { plugins: ["typescript-operations", "typed-document-node"], config },
  },
} satisfies CodegenConfig;
