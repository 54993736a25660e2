/** What the pages ask that links in mails lead to. */
const accountMutation = (name: string, fields: string): string =>
  `mutation ($input: ${name.charAt(0).toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { userErrors { code message path } ${fields} } }`;

export const IS_VALID = `query ($token: String!) { isPasswordResetTokenValid(token: $token) }`;

export const MUTATIONS = {
  requestPasswordReset: accountMutation("requestPasswordReset", "accepted"),
  resetPassword: accountMutation("resetPassword", "viewer { email user { id name } } accessToken accessTokenExpiresAt refreshToken"),
  verifyEmail: accountMutation("verifyEmail", "accepted"),
};
