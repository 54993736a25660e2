/** What pages of settings are made of: sections, rows, fields with their refusals, and questions before what cannot be undone. */
import { useEffect, useId, useRef, useState, type ReactNode, type TextareaHTMLAttributes } from "react";
import { Link } from "wouter";
import { NO_PROBLEMS, type Problems } from "../data/act";
import { Button, Field, INPUT } from "./controls";
import { Dialog } from "./dialog";
import { useOnce } from "./once";
import { toast } from "./toasts";

/** A page that scrolls, with its own navigation at the top. */
export function SettingsFrame({ title, lead, tabs, children }: { title: string; lead?: ReactNode; tabs?: ReactNode; children: ReactNode }) {
  return (
    <div className="min-h-0 grow overflow-y-auto" tabIndex={-1}>
      <div className="mx-auto grid max-w-3xl grid-cols-1 gap-6 px-4 py-6 sm:px-8">
        <header className="grid gap-1">
          <h2 className="text-xl font-semibold tracking-tight">{title}</h2>
          {lead && <p className="wrap-anywhere text-dim">{lead}</p>}
        </header>
        {tabs}
        {children}
      </div>
    </div>
  );
}

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly href: string;
}

export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav aria-label={label} className="-mx-1 flex flex-wrap gap-x-1 border-b border-line px-1">
      {tabs.map(({ id, label: name, href }) => (
        <Link key={id} href={href} aria-current={id === current ? "page" : undefined}
          className="inline-flex min-h-9 items-center -outline-offset-2 border-b-2 border-transparent px-1 text-sm whitespace-nowrap text-dim hover:text-text sm:px-2.5 aria-[current=page]:border-accent aria-[current=page]:text-text pointer-coarse:min-h-11">
          {name}
        </Link>
      ))}
    </nav>
  );
}

export function Section({ title, lead, children, action }: { title: string; lead?: ReactNode; children: ReactNode; action?: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap items-end justify-between gap-2 sm:flex-nowrap">
        <div className="grid min-w-0 grid-cols-1 gap-0.5">
          <h3 id={id} className="font-semibold">{title}</h3>
          {lead && <p className="max-w-prose text-sm text-dim">{lead}</p>}
        </div>
        {action && <div className="shrink-0">{action}</div>}
      </div>
      {children}
    </section>
  );
}

export const Panel = ({ children, className = "" }: { children: ReactNode; className?: string }) => (
  <div className={`grid grid-cols-1 gap-4 rounded-xl border border-line p-4 ${className}`}>{children}</div>
);

export const Rows = ({ label, children }: { label: string; children: ReactNode }) => (
  <ul aria-label={label} className="divide-y divide-line rounded-xl border border-line">{children}</ul>
);

export const Row = ({ children }: { children: ReactNode }) => <li className="flex min-h-13 flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2">{children}</li>;

export const Badge = ({ children }: { children: ReactNode }) => (
  <span className="inline-flex items-center rounded-full border border-line bg-raised px-2 py-0.5 text-xs font-medium whitespace-nowrap text-dim">{children}</span>
);

export const Problem = ({ children }: { children: ReactNode }) => children ? <p role="alert" className="text-sm text-bad">{children}</p> : null;

export function TextArea({ label, problem, hint, ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement> & { label: string; problem?: string | undefined; hint?: string }) {
  const id = useId();
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="text-sm font-medium">{label}</label>
      <textarea id={id} rows={3} className={`${INPUT} field-sizing-content max-h-80`} aria-invalid={Boolean(problem)} aria-describedby={`${id}-note`} {...rest} />
      <p id={`${id}-note`} className={problem ? "text-sm text-bad" : "text-sm text-dim"} role={problem ? "alert" : undefined}>{problem ?? hint}</p>
    </div>
  );
}

export interface Check {
  readonly id: string;
  readonly label: string;
  /** What it means, where its label does not say all. */
  readonly hint?: string;
}

/** Any number of choices of a form, sent by its `name`. `none` is said where there are none. */
export function Checks({ legend, name, choices, chosen = [], problem, none }: { legend: string; name: string; choices: readonly Check[]; chosen?: readonly string[]; problem?: string | undefined; none?: string }) {
  const note = useId();
  return (
    <fieldset className="grid gap-1" aria-describedby={note}>
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {choices.map(({ id, label, hint }) => (
          <label key={id} className={`flex min-h-8 items-center gap-2 text-sm pointer-coarse:min-h-11 ${hint ? "w-full" : ""}`}>
            <input type="checkbox" name={name} value={id} aria-label={label} aria-describedby={hint && `${note}-${id}`} defaultChecked={chosen.includes(id)} className="size-4 shrink-0 accent-accent" />
            <span>{label}{hint && <span id={`${note}-${id}`} className="block text-dim">{hint}</span>}</span>
          </label>
        ))}
      </div>
      {choices.length === 0 && <p className="text-sm text-dim">{none}</p>}
      <div id={note}><Problem>{problem}</Problem></div>
    </fieldset>
  );
}

/** What the server tells once and keeps no copy of, to be copied. `copied` is said when it is. */
export function Once({ label, value, copied }: { label: string; value: string; copied: string }) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(value);
      toast(copied);
    } catch {
      field.current?.focus(); // which selects it
      toast("This browser does not let the page copy", "It is selected: copy it from its field.");
    }
  }
  return (
    <div className="grid gap-2 rounded-xl bg-soft p-3">
      <label htmlFor={id} className="text-sm font-medium">{label}</label>
      <div className="flex gap-2">
        <input ref={field} id={id} readOnly autoFocus value={value} className={INPUT} onFocus={(event) => event.target.select()} />
        <Button onClick={() => void copy()}>Copy</Button>
      </div>
    </div>
  );
}

/** On or off, at once. */
export function Switch({ label, hint, isOn, isFixed = false, onChange }: { label: string; hint?: string; isOn: boolean; isFixed?: boolean; onChange: (isOn: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-center justify-between gap-4">
      <div><p id={id} className="text-sm font-medium">{label}</p>{hint && <p className="text-sm text-dim">{hint}</p>}</div>
      <Toggle labelledBy={id} isOn={isOn} isFixed={isFixed} onChange={onChange} />
    </div>
  );
}

export function Toggle({ label, labelledBy, isOn, isFixed = false, onChange }: { label?: string; labelledBy?: string; isOn: boolean; isFixed?: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <button type="button" role="switch" aria-checked={isOn} aria-label={label} aria-labelledby={labelledBy} disabled={isFixed} onClick={() => onChange(!isOn)}
      className="inline-flex shrink-0 items-center rounded-full py-1 disabled:opacity-60 pointer-coarse:py-2.5">
      <span aria-hidden className={`flex h-6 w-10 items-center rounded-full border p-0.5 transition-colors ${isOn ? "border-accent bg-accent" : "border-dim bg-raised"}`}>
        <span className={`size-4.5 rounded-full transition-transform ${isOn ? "translate-x-4 bg-accent-text" : "bg-dim"}`} />
      </span>
    </button>
  );
}

export const COLORS: readonly (readonly [string, string])[] = [
  ["#64748b", "Slate"], ["#dc2626", "Red"], ["#ea580c", "Orange"], ["#ca8a04", "Yellow"], ["#16a34a", "Green"],
  ["#0d9488", "Teal"], ["#0284c7", "Blue"], ["#4f46e5", "Indigo"], ["#9333ea", "Purple"], ["#db2777", "Pink"],
];

/** One of ten colours, or any other. */
export function Colors({ value, problem, onChange }: { value: string; problem?: string | undefined; onChange: (color: string) => void }) {
  const name = useId();
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1 text-sm font-medium">Colour</legend>
      <div className="flex flex-wrap items-center gap-1.5">
        {COLORS.map(([color, said]) => (
          <label key={color} className="relative size-7 cursor-pointer pointer-coarse:size-11" title={said}>
            <input type="radio" name={name} aria-label={said} checked={value.toLowerCase() === color} onChange={() => onChange(color)} className="peer absolute inset-0 m-0 cursor-pointer opacity-0" />
            <span aria-hidden className="absolute inset-1 rounded-full ring-offset-2 ring-offset-surface peer-checked:ring-2 peer-checked:ring-text peer-focus-visible:ring-2 peer-focus-visible:ring-accent pointer-coarse:inset-2" style={{ background: color }} />
          </label>
        ))}
        <label className="flex items-center gap-1.5 text-sm text-dim">
          <input type="color" aria-label="Another colour" value={value} onChange={(event) => onChange(event.target.value)} className="h-7 w-9 cursor-pointer rounded border border-line bg-surface pointer-coarse:h-11" />
          <span>Another</span>
        </label>
      </div>
      <Problem>{problem}</Problem>
    </fieldset>
  );
}

/** What was typed over what is stored: only what differs is sent, and what others change meanwhile shows in the rest. */
export function useDraft<Values extends Record<string, string>>(stored: Values, version: number) {
  const [typed, setTyped] = useState<Partial<Values>>({});
  const [base, setBase] = useState<number | null>(null);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [saved, setSaved] = useState<{ readonly version: number | undefined; readonly from: string } | null>(null);
  const values = { ...stored, ...typed };
  const changes = Object.fromEntries(Object.entries(typed).filter(([field, value]) => stored[field] !== value)) as Partial<Values>;
  const isChanged = Object.keys(changes).length > 0;
  const isNewer = saved !== null && (saved.version === undefined ? JSON.stringify(stored) !== saved.from : version >= saved.version);
  const isBack = saved !== null && (!isChanged || isNewer);
  useEffect(() => {
    if (!isBack) return;
    setTyped({});
    setBase(null);
    setSaved(null);
  }, [isBack]);
  return {
    values,
    changes,
    problems,
    isChanged,
    /** The version that the typing began from. */
    baseVersion: base ?? version,
    set(change: Partial<Values>): void {
      setSaved(null);
      setBase((now) => now ?? version);
      setTyped((now) => ({ ...now, ...change }));
    },
    refuse(found: Problems, currentVersion?: number): void {
      setProblems(found);
      if (currentVersion !== undefined) setBase(currentVersion);
    },
    reset(): void {
      setTyped({});
      setBase(null);
      setProblems(NO_PROBLEMS);
    },
    /** What was typed stays on the screen until it comes back from the server; `asVersion` is what it was saved as, if it is known. */
    saved(asVersion?: number): void {
      setSaved({ version: asVersion, from: JSON.stringify(stored) });
      setProblems(NO_PROBLEMS);
    },
  };
}

/** Asks before something that cannot be undone. `typed`: what has to be written to go on. Returns problems, or null. */
export function Confirm({ title, action, typed, children, onClose, onConfirm }: {
  title: string;
  action: string;
  typed?: string;
  children: ReactNode;
  onClose: () => void;
  onConfirm: () => Promise<Problems | null>;
}) {
  const [text, setText] = useState("");
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [isBusy, submit] = useOnce(async () => {
    const found = await onConfirm();
    if (found) setProblems(found);
    else onClose();
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="grid gap-4" onSubmit={submit}>
        <div className="grid gap-3 text-sm">{children}</div>
        {typed !== undefined && <Field label={`Write “${typed}” to go on`} value={text} onChange={(event) => setText(event.target.value)} autoComplete="off" />}
        <Problem>{Object.values(problems).join(" ")}</Problem>
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="destroy" type="submit" disabled={isBusy || (typed !== undefined && text !== typed)}>{action}</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Saving({ isChanged, isBusy = false, label = "Save", onReset }: { isChanged: boolean; isBusy?: boolean; label?: string; onReset?: () => void }) {
  return (
    <div className="flex gap-2">
      <Button kind="primary" type="submit" disabled={!isChanged || isBusy}>{label}</Button>
      {isChanged && onReset && <Button kind="quiet" onClick={onReset}>Take back</Button>}
    </div>
  );
}
