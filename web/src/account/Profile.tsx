/** How others see this person, where they live, and how the pages look here. */
import { useState } from "react";
import { chooseTheme, chosenTheme } from "../app/theme";
import { useAct } from "../data/act";
import { useQueryAgain } from "../data/again";
import { AccountDocument, UpdateProfileDocument, type AccountQuery } from "../gql/later/graphql";
import { freshToken } from "../session/accounts";
import { Avatar, Button, Field, Loading, Select, textOf } from "../ui/controls";
import { Panel, Problem, Saving, Section, useDraft } from "../ui/forms";
import { useOnce } from "../ui/once";
import { toast } from "../ui/toasts";
import { useViewer } from "../workspace/viewer";
import { Accounts } from "./Accounts";

const FIELDS = ["name", "handle", "timeZone"];
const THEMES = [{ id: "", label: "As the system" }, { id: "light", label: "Light" }, { id: "dark", label: "Dark" }];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function Profile() {
  const [{ data, error }] = useQueryAgain({ query: AccountDocument, requestPolicy: "cache-and-network" });
  const [theme, setTheme] = useState(chosenTheme);
  // All at once: nobody presses what then moves down.
  if (!data?.viewer && !error) return <Loading what="your profile" />;
  return (
    <>
      {data?.viewer ? <Person viewer={data.viewer} /> : <Problem>{textOf(error)}</Problem>}
      <Section title="Theme" lead="In this browser.">
        <div role="group" aria-label="Theme" className="flex w-fit gap-1 rounded-xl bg-raised p-1">
          {THEMES.map(({ id, label }) => (
            <Button key={id} kind={theme === id ? "plain" : "quiet"} aria-pressed={theme === id} onClick={() => { setTheme(id); chooseTheme(id); }}>{label}</Button>
          ))}
        </div>
      </Section>
      <Accounts />
    </>
  );
}

function Person({ viewer: { user, timeZone, email } }: { viewer: NonNullable<AccountQuery["viewer"]> }) {
  const act = useAct();
  const { refresh } = useViewer();
  const draft = useDraft({ name: user.name, handle: user.handle, timeZone }, 0);
  const zones = Intl.supportedValuesOf("timeZone");
  const known = zones.includes(draft.values.timeZone) ? zones : [draft.values.timeZone, ...zones];

  const [isBusy, save] = useOnce(async () => {
    const answer = await act(UpdateProfileDocument, draft.changes, FIELDS);
    if (answer.problems) return draft.refuse(answer.problems);
    refresh();
    if (draft.changes.name) void freshToken(user.id, true).catch(() => undefined); // with it comes what this browser calls them by
    draft.saved();
    toast("Your profile is changed");
  });

  return (
    <form className="grid grid-cols-1 gap-4" onSubmit={save}>
      <div className="flex items-center gap-4">
        <Avatar id={user.id} name={draft.values.name} size={56} />
        <div className="min-w-0"><p className="truncate text-lg font-semibold">{user.name}</p><p className="truncate text-sm text-dim">@{user.handle}, {email}</p></div>
      </div>
      <Panel>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" value={draft.values.name} required maxLength={100} autoComplete="name" problem={draft.problems.name} hint="What others see. Your avatar is drawn from it." onChange={(event) => draft.set({ name: event.target.value })} />
          <Field label="Handle" value={draft.values.handle} required maxLength={40} autoComplete="off" problem={draft.problems.handle} hint="By which others mention you." onChange={(event) => draft.set({ handle: event.target.value.toLowerCase() })} />
        </div>
        <div className="grid grid-cols-1 gap-1">
          <Select label="Time zone" value={draft.values.timeZone} onChange={(event) => draft.set({ timeZone: event.target.value })}>{known.map((zone) => <option key={zone} value={zone}>{zone.replaceAll("_", " ")}</option>)}</Select>
          {draft.values.timeZone !== HERE && <p className="text-sm text-dim">This device is in {HERE.replaceAll("_", " ")}. <button type="button" className="text-accent underline" onClick={() => draft.set({ timeZone: HERE })}>Take that</button></p>}
          <Problem>{draft.problems.timeZone}</Problem>
        </div>
        <Problem>{draft.problems.form}</Problem>
        <Saving isChanged={draft.isChanged} isBusy={isBusy} label="Save profile" onReset={draft.reset} />
      </Panel>
    </form>
  );
}
