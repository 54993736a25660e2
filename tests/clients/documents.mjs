/** The GraphQL documents of these tests, as a client would write them. `documents` is every one of them. */

const userErrors = "userErrors { __typename code message path }";
const card = "fragment Card on Task { __typename id version key title status { __typename id category } }";

export const SIGN_UP = `mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { ${userErrors} accessToken viewer { user { id name } } }
}`;

export const CREATE_WORKSPACE = `mutation CreateWorkspace($input: CreateWorkspaceInput!) {
  createWorkspace(input: $input) { ${userErrors} workspace { id name } }
}`;

export const CREATE_INVITE = `mutation CreateInvite($input: CreateInviteInput!) {
  createInvite(input: $input) { ${userErrors} url }
}`;

export const ACCEPT_INVITE = `mutation AcceptInvite($input: AcceptInviteInput!) {
  acceptInvite(input: $input) { ${userErrors} workspace { id } }
}`;

/** The snapshot to start from: \`eventCursor\` is read in the same snapshot as the tasks. */
export const BOARD = `query Board($workspaceId: ID!) {
  workspace(by: { id: $workspaceId }) {
    __typename
    id
    eventCursor
    statuses { __typename id category }
    tasks(first: 100) { nodes { ...Card } }
  }
}
${card}`;

export const CREATE_TASK = `mutation CreateTask($input: CreateTaskInput!) {
  createTask(input: $input) { ${userErrors} eventCursor task { ...Card } }
}
${card}`;

export const UPDATE_TASK = `mutation UpdateTask($input: UpdateTaskInput!) {
  updateTask(input: $input) { ${userErrors} eventCursor task { ...Card } }
}
${card}`;

export const MOVE_TASK = `mutation MoveTask($input: MoveTaskInput!) {
  moveTask(input: $input) { ${userErrors} eventCursor task { ...Card } }
}
${card}`;

export const DELETE_TASK = `mutation DeleteTask($input: DeleteTaskInput!) {
  deleteTask(input: $input) { ${userErrors} eventCursor deletedTaskId }
}`;

const batch = `{
  cursor
  caughtUp
  resync
  events {
    __typename
    cursor
    clientMutationId
    ... on TaskCreatedEvent { task { ...Card } }
    ... on TaskUpdatedEvent { taskId version changes { field } task { ...Card } }
    ... on TaskRemovedEvent { taskId reason }
  }
}`;

export const FOLLOW = `subscription Follow($workspaceId: ID!, $after: EventCursor) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) ${batch}
}
${card}`;

/** The same batches by polling. */
export const CATCH_UP = `query CatchUp($workspaceId: ID!, $after: EventCursor!) {
  workspaceEvents(workspaceId: $workspaceId, after: $after, first: 500) ${batch}
}
${card}`;

export const documents = {
  SIGN_UP,
  CREATE_WORKSPACE,
  CREATE_INVITE,
  ACCEPT_INVITE,
  BOARD,
  CREATE_TASK,
  UPDATE_TASK,
  MOVE_TASK,
  DELETE_TASK,
  FOLLOW,
  CATCH_UP,
};
