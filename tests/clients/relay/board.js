/**
 * A page as an application on Relay has it. It is compiled by relay-compiler, not run: what Relay asks of a schema are
 * `node(id:)`, connections, and ids that are unique, and the compiler checks all that it builds on.
 */
import { graphql } from "relay-runtime";

export const task = graphql`
  fragment board_task on Task
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "boardTaskQuery") {
    id
    version
    title
    status { id name }
    comments(first: $first, after: $after) @connection(key: "board_comments") { edges { node { id body } } }
  }
`;

export const tasks = graphql`
  fragment board_tasks on Workspace
  @argumentDefinitions(first: { type: "Int", defaultValue: 50 }, after: { type: "String" }, filter: { type: "TaskFilter" })
  @refetchable(queryName: "boardTasksQuery") {
    eventCursor
    tasks(first: $first, after: $after, filter: $filter) @connection(key: "board_tasks", filters: ["filter"]) {
      edges { node { id ...board_task } }
    }
  }
`;

export const board = graphql`
  query boardQuery($id: ID!) {
    workspace(by: { id: $id }) { id ...board_tasks }
  }
`;

export const create = graphql`
  mutation boardCreateMutation($input: CreateTaskInput!, $connections: [ID!]!) {
    createTask(input: $input) {
      userErrors { __typename code message path }
      eventCursor
      task @prependNode(connections: $connections, edgeTypeName: "TaskEdge") { id ...board_task }
    }
  }
`;

export const remove = graphql`
  mutation boardDeleteMutation($input: DeleteTaskInput!) {
    deleteTask(input: $input) { userErrors { code } deletedTaskId @deleteRecord }
  }
`;

export const follow = graphql`
  subscription boardSubscription($id: ID!, $after: EventCursor) {
    workspaceEvents(workspaceId: $id, after: $after) {
      cursor
      resync
      events {
        __typename
        ... on TaskCreatedEvent { task { ...board_task } }
        ... on TaskUpdatedEvent { task { ...board_task } }
        ... on TaskRemovedEvent { taskId @deleteRecord }
      }
    }
  }
`;
