import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types and documents from the committed schema and the .graphql files beside the components. */
export default {
  schema: "../graphql-schema.graphql",
  documents: ["src/**/*.graphql", "!src/graphiql/**"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        immutableTypes: true,
        scalars: { ID: "string", DateTime: "string", Date: "string", EventCursor: "string", Rank: "string", URL: "string", UUID: "string", JSON: "unknown" },
      },
    },
  },
} satisfies CodegenConfig;
