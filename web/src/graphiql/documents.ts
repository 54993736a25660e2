/** What GraphiQL asks by itself, and what its first tabs hold. */
import { getIntrospectionQuery } from "graphql";
import signUp from "./tutorial/1-sign-up.graphql?raw";
import createTeam from "./tutorial/2-create-team.graphql?raw";
import board from "./tutorial/3-board.graphql?raw";
import follow from "./tutorial/4-follow.graphql?raw";
import createTask from "./tutorial/5-create-task.graphql?raw";
import moveTask from "./tutorial/6-move-task.graphql?raw";

/** As GraphiQL writes it, whose options are left as they are. */
const introspection = getIntrospectionQuery({ inputValueDeprecation: false, schemaDescription: false });

export { board, createTask, createTeam, follow, introspection, moveTask, signUp };
