/** What is asked for a session. Pages without urql ask it too, so it is plain text. */
const SESSION_FIELDS = `
  userErrors { code message path }
  viewer { email user { id name } }
  accessToken accessTokenExpiresAt refreshToken`;
export const SIGN_IN = `mutation SignIn($input: SignInInput!) { signIn(input: $input) {${SESSION_FIELDS} } }`;
export const SIGN_UP = `mutation SignUp($input: SignUpInput!) { signUp(input: $input) {${SESSION_FIELDS} } }`;
export const REFRESH = `mutation RefreshSession($input: RefreshSessionInput!) { refreshSession(input: $input) {${SESSION_FIELDS} } }`;
export const SIGN_OUT = `mutation SignOut { signOut(input: { everywhere: false }) { signedOut } }`;
export const VIEWER = `query Viewer { viewer { email user { id name } } }`;
