/** Buttons, fields and avatars. Every control is at least 32 px high, 44 px on touch screens, and has a name. */
import { useId, type ButtonHTMLAttributes, type InputHTMLAttributes, type MouseEvent, type ReactNode, type Ref } from "react";
import { CombinedError } from "urql";

const BUTTON = "inline-flex min-h-8 items-center justify-center gap-1.5 rounded-lg px-3 text-sm font-medium aria-disabled:opacity-60 pointer-coarse:min-h-11 pointer-coarse:min-w-11";
const KINDS = {
  primary: "bg-accent text-accent-text hover:brightness-110",
  plain: "border border-line bg-surface hover:bg-hover",
  quiet: "hover:bg-hover",
  danger: "border border-line text-bad hover:bg-hover",
  destroy: "bg-bad text-accent-text hover:brightness-110",
};

/** One that is disabled does nothing, but keeps the focus: the browser would take it away from who has just pressed it. */
export function Button({ kind = "plain", className = "", disabled = false, onClick, ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { kind?: keyof typeof KINDS; ref?: Ref<HTMLButtonElement> }) {
  const off = disabled && { "aria-disabled": true, onClick: (event: MouseEvent) => event.preventDefault() };
  return <button type="button" className={`${BUTTON} ${KINDS[kind]} ${className}`} onClick={onClick} {...rest} {...off} />;
}

export const INPUT = "min-h-9 w-full rounded-lg border border-line bg-surface px-3 py-1.5 text-text placeholder:text-dim pointer-coarse:min-h-11";

export function Field({ label, problem, hint, ...rest }: InputHTMLAttributes<HTMLInputElement> & { label: string; problem?: string | undefined; hint?: ReactNode }) {
  const id = useId();
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="text-sm font-medium">{label}</label>
      <input id={id} className={INPUT} aria-invalid={Boolean(problem)} aria-describedby={`${id}-note`} {...rest} />
      <p id={`${id}-note`} className={problem ? "text-sm text-bad" : "text-sm text-dim"} role={problem ? "alert" : undefined}>
        {problem ?? hint}
      </p>
    </div>
  );
}

export function Select({ label, children, isLabelHidden = false, ...rest }: React.SelectHTMLAttributes<HTMLSelectElement> & { label: string; isLabelHidden?: boolean }) {
  const id = useId();
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className={isLabelHidden ? "sr-only" : "text-sm font-medium"}>{label}</label>
      <select id={id} className={INPUT} {...rest}>{children}</select>
    </div>
  );
}

/** Drawn from the name: no picture is fetched from anywhere. All colours are equally dark, so that white is read on each. */
export function Avatar({ id, name, size = 24 }: { id: string; name: string; size?: number }) {
  let hue = 0;
  for (const letter of id) hue = (hue * 31 + letter.charCodeAt(0)) % 360;
  const initials = name.split(/\s+/).slice(0, 2).map((word) => word[0]?.toUpperCase() ?? "").join("");
  return (
    <span
      aria-hidden
      title={name}
      data-initials={initials}
      className="inline-flex shrink-0 items-center justify-center rounded-full font-semibold text-white select-none before:content-[attr(data-initials)]"
      style={{ width: size, height: size, fontSize: size * 0.42, background: `oklch(0.45 0.09 ${hue})` }}
    />
  );
}

/** People side by side: the first of them, and how many more there are. */
export function Avatars({ people, nameById, atMost }: { people: readonly { id: string; name?: string | null }[]; nameById?: ReadonlyMap<string, string>; atMost: number }) {
  return (
    <>
      {people.slice(0, atMost).map(({ id, name }) => <Avatar key={id} id={id} name={nameById?.get(id) || name || "?"} size={22} />)}
      {people.length > atMost && <span className="self-center text-xs text-dim">+{people.length - atMost}</span>}
    </>
  );
}

export const Dot = ({ color }: { color: string }) => (
  <span aria-hidden className="inline-block size-2.5 shrink-0 rounded-full" style={{ background: color }} />
);

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto grid max-w-md justify-items-center gap-3 px-4 py-16 text-center">
      <h2 className="text-lg font-semibold">{title}</h2>
      <div className="text-dim">{children}</div>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return <p role="status" className="p-8 text-center text-dim">Loading {what}…</p>;
}

/** What went wrong, in words for a person: those of a browser whose request failed say nothing to most. */
export function textOf(problem: unknown): string {
  const failed = problem instanceof CombinedError ? problem.networkError : undefined;
  if (failed) return failed.name === "TimeoutError" ? "No answer came in time." : "The server cannot be reached.";
  return problem instanceof Error ? problem.message.replace(/^\[GraphQL\] /, "") : String(problem);
}
