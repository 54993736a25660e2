import type { CodegenConfig } from "@graphql-codegen/cli";

const options = {
  preset: "client",
  presetConfig: { fragmentMasking: false },
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    immutableTypes: true,
    scalars: { ID: "string", DateTime: "string", Date: "string", EventCursor: "string", Rank: "string", URL: "string", UUID: "string", JSON: "unknown" },
  },
} as const;

/** Folders whose pages are loaded when they are opened: their documents, too, stay out of the first load. */
const LATER = ["account", "deleted", "find", "members", "notifications", "settings"];

/** Types and documents from the committed schema and the .graphql files beside the components. */
export default {
  schema: "../graphql-schema.graphql",
  generates: {
    "src/gql/": { ...options, documents: ["src/**/*.graphql", "!src/graphiql/**", ...LATER.map((folder) => `!src/${folder}/**`)] },
    "src/gql/later/": { ...options, documents: ["src/data/rows.graphql", ...LATER.map((folder) => `src/${folder}/*.graphql`)] },
  },
} satisfies CodegenConfig;
