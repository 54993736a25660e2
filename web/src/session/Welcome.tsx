/** What somebody sees who is not signed in: what this is, and how to get in. The address stays, so one lands where it led. */
import { Suspense, useEffect, useLayoutEffect, useState } from "react";
import { lazily } from "../app/later";
import { Button, Field, textOf } from "../ui/controls";
import { useOnce } from "../ui/once";
import { actAs, EMAIL, endedAccount, endedIds, isKnownBrowser, Refused, signIn, signUp } from "./accounts";
import { arrive } from "../workspace/arrival";
import { useAccounts } from "./use-accounts";

const Unsaved = lazily(() => import("../account/Unsaved"));

const STARTS = new Set(["/", "/sign-in"]);

export function Welcome() {
  const others = useAccounts();
  const ended = endedAccount();
  const isLed = !STARTS.has(location.pathname);
  useEffect(() => {
    document.title = "Tutti";
  }, []);
  useLayoutEffect(() => arrive, []);
  return (
    <main className="mx-auto grid max-w-md gap-6 px-5 py-[10vh]">
      <p className="flex items-center gap-2 font-semibold"><img src="/favicon.svg" alt="" width="32" height="32" />Tutti</p>
      <h1 className="text-3xl leading-tight font-bold text-balance">Tasks that people change together, live.</h1>
      {others.length > 0 && (
        <ul aria-label="Signed in here" className="grid gap-2">
          {others.map(({ id, name, email }) => <li key={id}><Button className="w-full" onClick={() => actAs(id)}>Go on as {name}, {email}</Button></li>)}
        </ul>
      )}
      {ended && <p role="status">You were signed out. Sign in again, and you go on where you were.</p>}
      {endedIds().length > 0 && <Suspense fallback={null}><Unsaved /></Suspense>}
      {isLed && !ended && <p>Sign in to open this page, or create an account.</p>}
      <SignIn email={ended?.email} />
      <p className="text-sm text-dim">
        For programs: <a className="text-accent underline" href="/graphql">GraphiQL and the API</a>,{" "}
        <a className="text-accent underline" href="/schema.graphql">the schema</a>.
      </p>
    </main>
  );
}

/** Signs somebody in or up; whoever was signed in before stays so, and the tab acts as the new one. */
export function SignIn({ email, onDone }: { email?: string | undefined; onDone?: () => void }) {
  const [isNew, setIsNew] = useState(() => location.pathname === "/" && !isKnownBrowser()); // a link to a page is of somebody who has an account
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [isKnown, setIsKnown] = useState(false); // there is an account with this address
  const choose = (forNew: boolean): void => {
    setIsNew(forNew);
    setProblems({});
    setIsKnown(false);
  };
  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const person = { email: String(given.get("email")).trim(), password: String(given.get("password")) };
    setProblems({});
    setIsKnown(false);
    try {
      if (isNew) await signUp({ ...person, name: String(given.get("name")).trim() });
      else await signIn(person.email, person.password);
      onDone?.();
    } catch (problem) {
      setProblems(problemsByField(problem));
      setIsKnown(problem instanceof Refused && problem.userErrors.some(({ code, path }) => code === "ALREADY_EXISTS" && path?.at(-1) === "email"));
    }
  });

  return (
    <>
      <div role="group" aria-label="How to get in" className="grid grid-cols-2 gap-1 rounded-xl bg-raised p-1">
        {[true, false].map((forNew) => (
          <Button key={String(forNew)} kind={forNew === isNew ? "plain" : "quiet"} aria-pressed={forNew === isNew} onClick={() => choose(forNew)}>
            {forNew ? "Create account" : "Sign in"}
          </Button>
        ))}
      </div>
      <form className="grid gap-2" onSubmit={submit}>
        {isNew && <Field label="Your name" name="name" autoComplete="name" required maxLength={100} problem={problems.name} />}
        <Field label="Email" name="email" type="email" autoComplete="username" required defaultValue={email} problem={problems.email} />
        {isKnown && <div><Button onClick={() => choose(false)}>Sign in with this address</Button></div>}
        <Field label="Password" name="password" type="password" required maxLength={200} minLength={isNew ? 10 : 1}
          autoComplete={isNew ? "new-password" : "current-password"} problem={problems.password} hint={isNew ? "At least 10 characters." : ""} />
        {problems.form && <p role="alert" className="text-sm text-bad">{problems.form}</p>}
        <Button kind="primary" type="submit" disabled={isBusy}>{isNew ? "Create my account" : "Sign in to my account"}</Button>
        {!isNew && <p className="text-sm"><a className="text-accent underline" href="/reset" onClick={keepEmail}>Forgot your password?</a></p>}
      </form>
    </>
  );
}

/** For the page that sends the link: there it is filled in. */
function keepEmail(): void {
  const typed = document.querySelector<HTMLInputElement>("input[name=email]")?.value ?? "";
  sessionStorage.setItem(EMAIL, typed);
}

/** What was refused, by the name of its field; `form` is for all else. */
function problemsByField(problem: unknown): Record<string, string> {
  if (!(problem instanceof Refused)) return { form: textOf(problem) };
  const named = problem.userErrors.map((error) => [error.path?.at(-1) ?? "form", error.message] as const);
  const known = new Set(["name", "email", "password"]);
  return Object.fromEntries(named.map(([field, message]) => [known.has(field) ? field : "form", message]));
}
