/** What roles are called and what they mean, and which of them somebody may give. */
import type { Membership } from "../data/model";
import type { Role } from "../gql/later/graphql";

export const ROLE_NAMES: Record<Role, string> = { OWNER: "Owner", ADMIN: "Admin", MEMBER: "Member", GUEST: "Guest", VIEWER: "Viewer" };

/** Within a sentence, like “an admin”. There is one owner. */
export const aRole = (role: Role): string => `${{ OWNER: "the", ADMIN: "an", MEMBER: "a", GUEST: "a", VIEWER: "a" }[role]} ${ROLE_NAMES[role].toLowerCase()}`;

export const ROLE_MEANINGS: Record<Role, string> = {
  OWNER: "Does everything, and can delete or hand over the workspace.",
  ADMIN: "Does everything but delete or hand over the workspace.",
  MEMBER: "Works on all tasks, arranges projects, statuses and labels, invites people.",
  GUEST: "Sees and works in the projects they were added to, and nothing else.",
  VIEWER: "Sees everything, changes nothing.",
};

/** Roles that `me` may give to others, by what everybody knows of `me`; the server has the last word. */
export function givenBy(me: Membership | undefined): readonly Role[] {
  if (me?.role === "OWNER" || me?.role === "ADMIN") return ["ADMIN", "MEMBER", "VIEWER", "GUEST"];
  return ["MEMBER", "VIEWER", "GUEST"];
}
