"""What tests ask by themselves, beside the pages: the server of these tests takes trusted documents only.

Invariant: nothing that a page asks stands here. That is known to the server by `make web`, or else it is refused.
"""

SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) {
    userErrors { message } accessToken accessTokenExpiresAt refreshToken
    viewer { email user { id name } } } }"""
TEAM = """mutation ($input: CreateWorkspaceInput!) { createWorkspace(input: $input) {
    userErrors { message } workspace { id slug } } }"""
INVITE = "mutation ($input: CreateInviteInput!) { createInvite(input: $input) { url userErrors { message } } }"
CREATE = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
CHANGE = "mutation ($input: UpdateTaskInput!) { updateTask(input: $input) { userErrors { code } } }"
DELETE = "mutation ($input: DeleteTaskInput!) { deleteTask(input: $input) { userErrors { code } } }"
COMMENT = "mutation ($input: CreateCommentInput!) { createComment(input: $input) { userErrors { code } } }"
WEBHOOK = "mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { userErrors { code } } }"
MANIFEST = {
    "sign-up": SIGN_UP,
    "team": TEAM,
    "invite": INVITE,
    "create": CREATE,
    "change": CHANGE,
    "delete": DELETE,
    "comment": COMMENT,
    "webhook": WEBHOOK,
}
