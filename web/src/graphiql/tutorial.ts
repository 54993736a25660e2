/**
 * The tabs a first visit opens with: a tour from signing up to watching a task move.
 *
 * Invariant: every document is valid against the served schema (a test checks the files in tutorial/).
 */
import { board, createTask, createTeam, follow, moveTask, signUp } from "./documents";
import { rememberedWorkspace } from "../session/workspace";

export interface TutorialTab {
  query: string;
  variables: string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** The workspace is the one this browser joined by a link, else one still to be made, with an id made here. */
export function tutorialTabs(): [TutorialTab, ...TutorialTab[]] {
  const workspaceId = rememberedWorkspace() ?? `workspace_${uuidv7()}`;
  const person = { name: "Ann", email: "ann@example.com", password: "ann tries tutti" };
  const task = { workspaceId, title: "Try Tutti", priority: "HIGH" };
  return [
    { query: signUp, variables: json({ input: person }) },
    { query: createTeam, variables: json({ workspaceId, name: "Our team" }) },
    { query: board, variables: json({ workspaceId }) },
    { query: follow, variables: json({ workspaceId }) },
    { query: createTask, variables: json({ input: task }) },
    { query: moveTask, variables: json({ input: { id: "task_…", statusId: "status_…", position: { edge: "FIRST" } } }) },
  ];
}

/** RFC 9562, version 7: milliseconds since 1970, then random. */
function uuidv7(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = BigInt(Date.now());
  for (let i = 0; i < 6; i++) bytes[i] = Number((now >> BigInt(8 * (5 - i))) & 0xffn);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
