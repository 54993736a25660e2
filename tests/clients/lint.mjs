/**
 * The schema rules of @graphql-eslint: all of them, but for what is left out here. docs/integrations.md lists that, and says
 * why. `node lint.mjs <repository>`
 */
import { join } from "node:path";
import graphql from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";

const repository = process.argv[2];
const SCHEMA = "graphql-schema.graphql";

const all = { ...graphql.configs["flat/schema-all"].rules, ...graphql.configs["flat/schema-relay"].rules };

/** Objects that are no thing of their own: nobody refetches them, so they have no id. */
const VALUES = [
  "FieldChange",
  "FieldConflict",
  "InvitePreview",
  "NotificationRule",
  "PageInfo",
  "PresenceActivity",
  "QuietHours",
  "RateLimit",
  "ReactionGroup",
  "TextMatch",
  "TextSegment",
  "Viewer",
];

const config = [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: join(repository, SCHEMA) } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...all,
      "@graphql-eslint/alphabetize": "off",
      "@graphql-eslint/no-root-type": "off",
      "@graphql-eslint/no-typename-prefix": "off",
      "@graphql-eslint/require-field-of-type-query-in-mutation-result": "off",
      "@graphql-eslint/require-nullable-result-in-root": "off",
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      "@graphql-eslint/relay-edge-types": ["error", { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
      "@graphql-eslint/require-description": [
        "error",
        {
          types: true,
          rootField: true,
          DirectiveDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          ignoredSelectors: ["[type=DirectiveDefinition][name.value=oneOf]", "DirectiveDefinition > InputValueDefinition"],
        },
      ],
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          acceptedIdNames: ["id"],
          acceptedIdTypes: ["ID"],
          exceptions: { suffixes: ["Batch", "Connection", "Edge", "Error", "Event", "Payload"], types: VALUES },
        },
      ],
    },
  },
];

const eslint = new ESLint({ cwd: repository, overrideConfigFile: true, overrideConfig: config });
const results = await eslint.lintFiles([SCHEMA]);
const problems = results.flatMap(({ messages }) => messages);
console.log((await eslint.loadFormatter("stylish")).format(results) || `${Object.keys(all).length} rules, nothing found`);
process.exit(problems.length ? 1 : 0);
