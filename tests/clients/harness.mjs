/** What the client tests share: people made over HTTP, steps that are printed, and waiting with a deadline. */
import * as documents from "./documents.mjs";

const DEADLINE_MS = 150_000;
const WAIT_MS = 30_000;

let currentStep = "starting";

export function step(name) {
  currentStep = name;
  console.log(`  ${name}`);
}

/** Runs a test program with the server's address from the command line; the process exits 0 only if it all held. */
export async function program(name, body) {
  const url = process.argv[2];
  if (!url) {
    console.error(`usage: node ${name}.mjs http://127.0.0.1:8000`);
    process.exit(2);
  }
  console.log(`${name} against ${url}`);
  const fail = (problem) => {
    console.error(`FAILED while ${currentStep}: ${problem?.stack ?? JSON.stringify(problem)}`);
    process.exit(1);
  };
  process.on("unhandledRejection", fail);
  process.on("uncaughtException", fail);
  setTimeout(() => fail(new Error(`not finished within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS).unref();
  await body(new URL("/graphql", url).href).catch(fail);
  console.log(`ok: ${name}`);
  process.exit(0);
}

export function assert(holds, message) {
  if (!holds) throw new Error(message);
}

export function assertEqual(got, wanted, what) {
  const [a, b] = [JSON.stringify(got, null, 1), JSON.stringify(wanted, null, 1)];
  assert(a === b, `${what}\n--- got\n${a}\n--- wanted\n${b}`);
}

/** A promise with its handles; it fails by itself when nobody settles it in time. */
export function expectation(what) {
  const { promise, resolve, reject } = withResolvers();
  const timer = setTimeout(() => reject(new Error(`waited ${WAIT_MS / 1000} s for ${what}`)), WAIT_MS);
  promise.then(() => clearTimeout(timer), () => clearTimeout(timer));
  return { promise, resolve, reject };
}

export function withResolvers() {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** The one payload of a mutation's data. Throws if it has userErrors. */
export function payloadOf(data) {
  const [payload] = Object.values(data);
  assert(!payload.userErrors?.length, `refused: ${JSON.stringify(payload.userErrors)}`);
  return payload;
}

/** A plain request by fetch, with no client at all. */
export async function post(url, token, query, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(WAIT_MS),
  });
  const answer = await response.json();
  assert(!answer.errors, `HTTP ${response.status}: ${JSON.stringify(answer.errors)}`);
  return answer.data;
}

/** Two people who share a new team workspace: the first owns it, the second came by an invite link. */
export async function twoPeopleInOneWorkspace(url) {
  const run = Math.random().toString(36).slice(2, 10);
  const signUp = async (name) => {
    const input = { name, email: `${name.toLowerCase()}.${run}@example.com`, password: `a long password ${run}` };
    return payloadOf(await post(url, null, documents.SIGN_UP, { input }));
  };
  step("two people sign up");
  const [a, b] = [await signUp("Ann"), await signUp("Bob")];
  step("the first makes a workspace and an invite");
  const made = payloadOf(await post(url, a.accessToken, documents.CREATE_WORKSPACE, { input: { name: `Team ${run}` } }));
  const workspaceId = made.workspace.id;
  const input = { workspaceId, role: "MEMBER", maxUses: 1 };
  const invite = payloadOf(await post(url, a.accessToken, documents.CREATE_INVITE, { input }));
  step("the second accepts it");
  const token = decodeURIComponent(new URL(invite.url).hash.slice(1));
  assert(token, `the invite's link has no token in its fragment: ${invite.url}`);
  payloadOf(await post(url, b.accessToken, documents.ACCEPT_INVITE, { input: { token } }));
  return { a, b, workspaceId };
}
