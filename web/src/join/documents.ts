/** What the page of an invite link asks. */
export const PREVIEW = `query Invite($token: String!) { invite(token: $token) { workspaceName role invitedBy isForOneAddress } }`;
export const ACCEPT = `mutation AcceptInvite($token: String!) {
  acceptInvite(input: { token: $token }) { userErrors { code message path } workspace { id name slug } membership { role } }
}`;
export const NEWEST = `query Workspaces { viewer { workspaces { id name slug kind } } }`;
