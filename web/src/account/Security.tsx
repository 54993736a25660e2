/** Password and address, each changed with the password in hand; and the end of the account. */
import { useState } from "react";
import { useQueryAgain } from "../data/again";
import { NO_PROBLEMS, useAct, type Problems } from "../data/act";
import { AccountDocument, ChangePasswordDocument, DeleteAccountDocument, RequestEmailChangeDocument } from "../gql/later/graphql";
import { adoptIfSession } from "../session/accounts";
import { Button, Field, textOf } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge, Panel, Problem, Section } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useViewer } from "../workspace/viewer";
import { forgetHere } from "./leave";

export function Security() {
  return (
    <>
      <Address />
      <Password />
      <End />
    </>
  );
}

const given = (form: HTMLFormElement): ((name: string) => string) => {
  const data = new FormData(form);
  return (name) => String(data.get(name) ?? "");
};

function Address() {
  const act = useAct(false);
  const [{ data, error }, ask] = useQueryAgain({ query: AccountDocument, requestPolicy: "cache-and-network" });
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const viewer = data?.viewer;
  const [isBusy, submit] = useOnce(async (form) => {
    const value = given(form);
    const email = value("email").trim();
    const { problems: found } = await act(RequestEmailChangeDocument, { email, password: value("password") }, ["email", "password"]);
    setProblems(found ?? NO_PROBLEMS);
    if (found) return;
    setSentTo(email);
    form.reset();
    ask({ requestPolicy: "network-only" });
  });
  if (!viewer) return error ? <Problem>{textOf(error)}</Problem> : null;
  return (
    <Section title="Email address" lead={<span className="flex flex-wrap items-center gap-2"><span className="wrap-anywhere">{viewer.email}</span><Badge>{viewer.emailVerifiedAt ? "Confirmed" : "Not confirmed yet"}</Badge></span>}>
      {!viewer.emailVerifiedAt && <div><Button onClick={() => setIsAsking(true)}>Send the link to confirm it again…</Button></div>}
      {isAsking && <SendAgain email={viewer.email} onClose={() => setIsAsking(false)} />}
      <Panel>
        <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label="New address" name="email" type="email" autoComplete="off" required problem={problems.email} hint="It becomes yours when you open the link that we send there." />
            <Field label="Your password, for this" name="password" type="password" autoComplete="current-password" required problem={problems.password} />
          </div>
          <Problem>{problems.form}</Problem>
          {sentTo && <p role="status" className="text-sm text-good">A link is on its way to {sentTo}. Until it is opened, nothing changes.</p>}
          <div><Button kind="primary" type="submit" disabled={isBusy}>Change address</Button></div>
        </form>
      </Panel>
    </Section>
  );
}

/** The server asks for the password here, too: a link must not go out at the word of whoever finds the tab open. */
function SendAgain({ email, onClose }: { email: string; onClose: () => void }) {
  const act = useAct(false);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async (form) => {
    const { problems: found } = await act(RequestEmailChangeDocument, { email, password: given(form)("password") }, ["password"]);
    if (found) return setProblems(found);
    onClose();
    toast("A link is on its way", email);
  });
  return (
    <Dialog title="Send the link again" onClose={onClose}>
      <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
        <p className="text-sm wrap-anywhere">It goes to {email}, and confirms that this address is yours.</p>
        <Field label="Your password, for this" name="password" type="password" autoComplete="current-password" required autoFocus problem={problems.password} />
        <Problem>{problems.form}</Problem>
        <div className="flex justify-end gap-2"><Button onClick={onClose}>Cancel</Button><Button kind="primary" type="submit" disabled={isBusy}>Send the link</Button></div>
      </form>
    </Dialog>
  );
}

function Password() {
  const act = useAct(false);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async (form) => {
    const value = given(form);
    const { payload, problems: found } = await act(ChangePasswordDocument, { currentPassword: value("current"), newPassword: value("new") }, ["currentPassword", "newPassword"]);
    setProblems(found ?? NO_PROBLEMS);
    if (found) return;
    adoptIfSession(payload);
    form.reset();
    toast("Your password is changed", "Everywhere else you were signed out.");
  });
  return (
    <Section title="Password" lead="Everywhere else you are signed in, you will be signed out.">
      <Panel>
        <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
          <div className="grid gap-3 sm:grid-cols-2">
            <Field label="Current password" name="current" type="password" autoComplete="current-password" required problem={problems.currentPassword} />
            <Field label="New password" name="new" type="password" autoComplete="new-password" required minLength={10} maxLength={200} problem={problems.newPassword} hint="At least 10 characters." />
          </div>
          <Problem>{problems.form}</Problem>
          <div className="flex flex-wrap items-center gap-3"><Button kind="primary" type="submit" disabled={isBusy}>Change password</Button><a className="text-sm text-accent underline" href="/reset">I forgot it</a></div>
        </form>
      </Panel>
    </Section>
  );
}

function End() {
  const act = useAct(false);
  const { user } = useViewer();
  const [isAsking, setIsAsking] = useState(false);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async (form) => {
    const { problems: found } = await act(DeleteAccountDocument, { password: given(form)("password") }, ["password"]);
    if (found) return setProblems(found);
    await forgetHere(user.id);
  });
  return (
    <Section title="Delete your account">
      <Panel className="border-bad/40">
        <p className="text-sm text-dim">Your personal workspace is deleted. What you wrote in others stays, without your name. This cannot be undone.</p>
        <div><Button kind="danger" onClick={() => setIsAsking(true)}>Delete account…</Button></div>
      </Panel>
      {isAsking && (
        <Dialog title="Delete your account?" onClose={() => setIsAsking(false)}>
          <form className="grid grid-cols-1 gap-3" onSubmit={submit}>
            <p className="text-sm">You are signed out everywhere, and nobody can bring the account back.</p>
            <Field label="Your password, for this" name="password" type="password" autoComplete="current-password" required problem={problems.password} />
            <Problem>{problems.form}</Problem>
            <div className="flex justify-end gap-2"><Button onClick={() => setIsAsking(false)}>Cancel</Button><Button kind="destroy" type="submit" disabled={isBusy}>Delete my account</Button></div>
          </form>
        </Dialog>
      )}
    </Section>
  );
}
