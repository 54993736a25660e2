import { expect, test } from "vitest";
import { isOpen } from "./Invites";

test("an invite for an address is over once it was used, and one by a link when as many have used it as may", () => {
  const invite = { email: null, revokedAt: null, expiresAt: null, useCount: 1, maxUses: null };
  expect(isOpen(invite)).toBe(true);
  expect(isOpen({ ...invite, maxUses: 2 })).toBe(true);
  expect(isOpen({ ...invite, maxUses: 1 })).toBe(false);
  expect(isOpen({ ...invite, email: "bob@example.com" })).toBe(false);
  expect(isOpen({ ...invite, email: "bob@example.com", useCount: 0 })).toBe(true);
});
