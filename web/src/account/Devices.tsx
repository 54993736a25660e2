/** Where the person is signed in, and how to end that from here. */
import { Laptop, Smartphone } from "lucide-react";
import { useState } from "react";
import { useAct, type Problems } from "../data/act";
import { useQueryAgain } from "../data/again";
import { AccountDocument, SignOutDocument, type AccountQuery } from "../gql/later/graphql";
import { nameOf } from "../session/accounts";
import { Button, Loading, textOf } from "../ui/controls";
import { whenWithin } from "../ui/day";
import { inNextRow, useFocusLeft } from "../ui/focus-left";
import { Badge, Problem, Row, Rows, Section } from "../ui/forms";
import { Ago } from "../ui/time";
import { toast } from "../ui/toasts";
import { useViewer } from "../workspace/viewer";
import { forgetHere } from "./leave";
import { Question, SignOut, unsavedHere, type Unsaved } from "./SignOut";

type Session = NonNullable<AccountQuery["viewer"]>["sessions"][number];

export function Devices() {
  const act = useAct(false);
  const { user } = useViewer();
  const [{ data, error }, ask] = useQueryAgain({ query: AccountDocument, requestPolicy: "cache-and-network" });
  const [isSaving, setSaving] = useState(false);
  const [unsaved, setUnsaved] = useState<Unsaved | null>(null);
  const sessions = [...(data?.viewer?.sessions ?? [])].sort((a, b) => Number(b.current) - Number(a.current) || b.lastUsedAt.localeCompare(a.lastUsedAt));

  async function end({ id, device }: Session): Promise<void> {
    const { problems } = await act(SignOutDocument, { sessionId: id });
    if (problems) toast("It is still signed in", problems.form);
    else toast(`${nameOf(device)} is signed out`);
    ask({ requestPolicy: "network-only" });
  }
  async function askAll(): Promise<void> {
    if (isSaving) return;
    const found = await unsavedHere(() => setSaving(true)).finally(() => setSaving(false));
    setUnsaved(found);
  }
  async function endAll(): Promise<Problems | null> {
    const { problems } = await act(SignOutDocument, { everywhere: true });
    if (!problems) await forgetHere(user.id);
    return problems;
  }

  return (
    <Section title="Devices" lead="Where you are signed in. Ending one of them takes effect within a second."
      action={sessions.length > 1 && <Button kind="danger" onClick={() => void askAll()}>{isSaving ? "Saving…" : "Sign out everywhere…"}</Button>}>
      {!data && (error ? <Problem>{textOf(error)}</Problem> : <Loading what="your devices" />)}
      {sessions.length > 0 && (
        <Rows label="Devices">
          {sessions.map((session) => {
            const Icon = /iphone|android|mobile/i.test(session.device ?? "") ? Smartphone : Laptop;
            return (
              <Row key={session.id}>
                <Icon size={20} aria-hidden className="shrink-0 text-dim" />
                <div className="min-w-0 grow basis-40">
                  <div className="flex flex-wrap items-center gap-x-3 gap-y-1"><p className="truncate font-medium">{nameOf(session.device)}</p>{session.current && <Badge>This one</Badge>}</div>
                  <p id={`${session.id}-when`} className="text-sm text-dim">Signed in {whenWithin(session.createdAt)}, {session.current ? "in use now" : <>used <Ago at={session.lastUsedAt} /></>}</p>
                </div>
                {session.current ? <SignOut label="Sign out this device" /> : <EndButton session={session} onEnd={() => void end(session)} />}
              </Row>
            );
          })}
        </Rows>
      )}
      {unsaved && (
        <Question what="Sign out everywhere" unsaved={unsaved} onClose={() => setUnsaved(null)} onConfirm={endAll}>
          <p>{sessions.length === 2 ? "Both" : `All ${sessions.length}`} devices are signed out, this one too. The others keep nothing of your tasks but changes that are not saved yet: these wait there until you sign in again.</p>
        </Question>
      )}
    </Section>
  );
}

function EndButton({ session: { id, device }, onEnd }: { session: Session; onEnd: () => void }) {
  return <Button ref={useFocusLeft(inNextRow)} kind="danger" aria-label={`Sign out ${nameOf(device)}`} aria-describedby={`${id}-when`} onClick={onEnd}>Sign out</Button>;
}
