/**
 * The page an invite link leads to, `/join#<token>`: shows what it is for, and lets one sign up or in and accept.
 *
 * Invariant: the token stays in the fragment and in request bodies; it is never put into an address that is sent.
 */
import { accounts, actAs, activeAccount, freshToken, Refused, signIn, signUp, type Account } from "../session/accounts";
import { ask, bearer, problemsOf, type UserError } from "../session/requests";
import { rememberWorkspace } from "../session/workspace";
import { ACCEPT, NEWEST, PREVIEW } from "./documents";
import { element } from "./element";
import { once, show } from "./show";

interface Preview {
  workspaceName: string;
  role: string;
  invitedBy: string;
  /** Whether only the account of the address it was sent to gets in. */
  isForOneAddress: boolean;
}

interface Workspace {
  id: string;
  name: string;
  slug: string;
}

/** Where somebody is now, and as what: who belonged there already has kept their role. `workspace`: null where it cannot be told. */
interface Place {
  workspace: Workspace | null;
  role: string;
}

const ROLES: Record<string, string> = {
  ADMIN: "an administrator",
  MEMBER: "a member",
  GUEST: "a guest",
  VIEWER: "a viewer",
};

async function open(): Promise<void> {
  const token = decodeURIComponent(location.hash.slice(1));
  if (!token) return show("No invite in this link", "An invite link ends in # and a long code. Ask for the whole link.");
  try {
    const answer = await ask<{ invite: Preview | null }>({ query: PREVIEW, variables: { token } });
    const problem = problemsOf(answer);
    if (problem) return show("The invite could not be read", problem, retry());
    if (!answer.data?.invite) {
      return show("This invite no longer works", "It has expired, was used up or was taken back. Ask for a new one.", toStart());
    }
    offer(token, answer.data.invite);
  } catch (problem) {
    show("The invite could not be read", text(problem), retry());
  }
}

function offer(token: string, preview: Preview): void {
  const known = accounts();
  const role = ROLES[preview.role] ?? preview.role.toLowerCase();
  show(
    `Join ${preview.workspaceName}`,
    `${preview.invitedBy} invites you to work together in “${preview.workspaceName}”, as ${role}.`,
    preview.isForOneAddress && element("p", { class: "note" }, "This invite is for one email address: join with the account of the address it was sent to."),
    known.length > 0 && signedInChoices(token, preview, known),
    known.length > 0 && element("p", { class: "hint or" }, "Or with another account:"),
    credentialsForm(token, preview),
  );
}

function signedInChoices(token: string, preview: Preview, known: Account[]): HTMLElement {
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const buttons = known.map((account) => {
    const isActive = account.id === activeAccount()?.id;
    const button = element("button", { class: isActive ? "button primary" : "button", type: "button" }, `Join as ${account.name}`);
    button.addEventListener("click", () => void once(button, async () => {
      problem.hidden = true;
      try {
        actAs(account.id);
        joined(preview, await accept(account, token));
      } catch (refusal) {
        problem.textContent = text(refusal);
        problem.hidden = false;
      }
    }));
    return button;
  });
  return element("section", { class: "choices", "aria-label": "Signed in in this browser" }, ...buttons, problem);
}

function credentialsForm(token: string, preview: Preview): HTMLElement {
  const name = field("name", "Your name", { autocomplete: "name", maxlength: "100" });
  const email = field("email", "Email", { type: "email", autocomplete: "username" });
  const password = field("password", "Password", { type: "password", maxlength: "200" });
  const problem = element("p", { class: "problem", role: "alert", hidden: "" });
  const submit = element("button", { class: "button primary", type: "submit" });
  const ways = { up: way("Create account", true), in: way("I have an account", false) };
  const form = element(
    "form",
    {},
    element("div", { class: "ways", role: "group", "aria-label": "How to join" }, ways.up, ways.in),
    name.label,
    email.label,
    password.label,
    problem,
    submit,
  );
  let isNew = true;

  function way(label: string, forNew: boolean): HTMLButtonElement {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => choose(forNew));
    return button;
  }
  function choose(forNew: boolean): void {
    isNew = forNew;
    ways.up.setAttribute("aria-pressed", String(isNew));
    ways.in.setAttribute("aria-pressed", String(!isNew));
    name.label.hidden = !isNew;
    name.input.required = isNew;
    password.input.minLength = isNew ? 10 : 0;
    password.hint.textContent = isNew ? "At least 10 characters." : "";
    password.input.autocomplete = isNew ? "new-password" : "current-password";
    submit.textContent = isNew ? "Create account and join" : "Sign in and join";
    clear();
  }
  function clear(): void {
    problem.hidden = true;
    for (const { say } of [name, email, password]) say(null);
  }
  function refuse(refusal: unknown): void {
    const errors: Partial<UserError>[] = refusal instanceof Refused ? refusal.userErrors : [{ message: text(refusal) }];
    const fields = { name, email, password };
    for (const error of errors) {
      const place = fields[error.path?.at(-1) as keyof typeof fields];
      if (place) place.say(error.message ?? "");
      else {
        problem.textContent = error.message ?? "";
        problem.hidden = false;
      }
    }
    (form.querySelector<HTMLElement>("[aria-invalid=true]") ?? email.input).focus();
  }

  async function join(): Promise<void> {
    clear();
    try {
      const person = { email: email.input.value.trim(), password: password.input.value };
      if (isNew) {
        const account = await signUp({ ...person, name: name.input.value.trim(), inviteToken: token });
        joined(preview, { workspace: await workspaceCalled(preview.workspaceName, account), role: preview.role });
      } else {
        joined(preview, await accept(await signIn(person.email, person.password), token));
      }
    } catch (refusal) {
      refuse(refusal);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void once(submit, join);
  });
  choose(true);
  return form;
}

/** Throws Refused or Error when the account does not get in. */
async function accept(account: Account, token: string): Promise<Place> {
  const accessToken = await freshToken(account.id);
  if (!accessToken) throw new Error(`${account.name}'s session is over. Sign in again below.`);
  type Payload = { userErrors: UserError[]; workspace: Workspace | null; membership: { role: string } | null };
  const answer = await ask<{ acceptInvite: Payload }>(
    { query: ACCEPT, variables: { token } },
    { authorization: bearer(accessToken) },
  );
  const payload = answer.data?.acceptInvite;
  if (!payload) throw new Error(problemsOf(answer) ?? "The server gave no result.");
  if (payload.userErrors.length) throw new Refused(payload.userErrors);
  return { workspace: payload.workspace, role: payload.membership?.role ?? "" };
}

/** Where a sign-up by invite led: the team workspace of that name. Null if it cannot be told; the join itself stands. */
async function workspaceCalled(name: string, account: Account): Promise<Workspace | null> {
  type Data = { viewer: { workspaces: (Workspace & { kind: string })[] } | null };
  const answer = await ask<Data>({ query: NEWEST }, { authorization: bearer(account.accessToken) }).catch(() => null);
  const teams = answer?.data?.viewer?.workspaces.filter((workspace) => workspace.kind === "TEAM") ?? [];
  return teams.find((workspace) => workspace.name === name) ?? null;
}

/** What they can do there, by their role. */
const CAN: Record<string, string> = {
  VIEWER: "you can now read what is in it.",
  GUEST: "you can now work in the projects that you were invited to.",
};

function joined(preview: Preview, { workspace, role }: Place): void {
  if (workspace) rememberWorkspace(workspace.id);
  history.replaceState(null, "", location.pathname); // the invite is spent: a reload should not offer it again
  const name = workspace?.name ?? preview.workspaceName;
  show(
    `You are in ${name}`,
    `${activeAccount()?.name ?? "You"}, ${CAN[role] ?? "you can now read and change what is in it, together with everybody there."}`,
    element(
      "p",
      { class: "actions" },
      element("a", { class: "button primary", href: workspace ? `/w/${workspace.slug}/board` : "/" }, "Open the board"),
    ),
  );
}

function field(id: string, label: string, attributes: Record<string, string>) {
  const input = element("input", { id, name: id, required: "", "aria-describedby": `${id}-hint ${id}-problem`, ...attributes });
  const hint = element("span", { class: "hint", id: `${id}-hint` });
  const problem = element("span", { class: "problem", id: `${id}-problem`, role: "alert", hidden: "" });
  const say = (message: string | null): void => {
    problem.textContent = message;
    problem.hidden = message === null;
    input.setAttribute("aria-invalid", String(message !== null));
  };
  return { input, say, hint, label: element("label", { for: id }, label, input, hint, problem) };
}

function retry(): HTMLElement {
  const button = element("button", { class: "button", type: "button" }, "Try again");
  button.addEventListener("click", () => void open());
  return button;
}

const toStart = (): HTMLElement => element("a", { class: "button", href: "/" }, "Go to Tutti");

const text = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

addEventListener("hashchange", () => void open());
void open();
