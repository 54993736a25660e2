/** The right end of the bar: who this tab acts as, and a panel to sign in, switch, paste a token or sign out. */
import { useEffect, useRef, useState } from "react";
import { actAs, signIn, signOut, signUp, usePastedToken, type Account } from "../session/accounts";
import { useAccounts } from "../session/use-accounts";
import { useOnce } from "../ui/once";

type Way = "sign-in" | "sign-up" | "token";

const WAYS: Record<Way, string> = { "sign-in": "Sign in", "sign-up": "Create account", token: "Access token" };

export function AccountMenu({ account }: { account: Account | null }) {
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!isOpen) return;
    const leave = (event: Event) => {
      if (!place.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    addEventListener("pointerdown", leave);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", leave);
      removeEventListener("keydown", escape);
    };
  }, [isOpen]);

  return (
    <div className="account" ref={place}>
      <button
        ref={button}
        type="button"
        className="account-button"
        aria-expanded={isOpen}
        aria-controls="account-panel"
        onClick={() => setOpen(!isOpen)}
      >
        {account ? (
          <>
            <Initial of={account} />
            <span className="name">{account.name}</span>
          </>
        ) : (
          "Sign in"
        )}
      </button>
      {isOpen && (
        <div className="panel" id="account-panel">
          <Accounts active={account} onDone={() => setOpen(false)} />
          <SignInForm onDone={() => setOpen(false)} />
        </div>
      )}
    </div>
  );
}

function Initial({ of: account }: { of: Account }) {
  return (
    <span className="initial" aria-hidden="true">
      {account.name.slice(0, 1).toUpperCase()}
    </span>
  );
}

function Accounts({ active, onDone }: { active: Account | null; onDone: () => void }) {
  const all = useAccounts();
  if (!all.length) return null;
  return (
    <section className="accounts" aria-label="Accounts in this browser">
      <p className="hint">This browser tab acts as</p>
      <ul>
        {all.map((account) => (
          <li key={account.id}>
            <button
              type="button"
              aria-pressed={account.id === active?.id}
              onClick={() => {
                actAs(account.id);
                onDone();
              }}
            >
              <Initial of={account} />
              <span className="who">
                <span>{account.name}</span>
                <small>{account.refreshToken ? account.email : "pasted token"}</small>
              </span>
            </button>
            <button type="button" className="quiet" aria-label={`Sign out ${account.name}`} onClick={() => void signOut(account)}>
              Sign out
            </button>
          </li>
        ))}
      </ul>
      {active && (
        <button type="button" className="quiet" onClick={() => actAs(null)}>
          Act as nobody
        </button>
      )}
    </section>
  );
}

function SignInForm({ onDone }: { onDone: () => void }) {
  const [way, setWay] = useState<Way>("sign-in");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, submit] = useOnce(async (form) => {
    const given = new FormData(form);
    const value = (name: string): string => String(given.get(name) ?? "");
    setProblem(null);
    try {
      if (way === "sign-in") await signIn(value("email"), value("password"));
      else if (way === "sign-up") await signUp({ name: value("name"), email: value("email"), password: value("password") });
      else await usePastedToken(value("token"));
      onDone();
    } catch (refusal) {
      setProblem(refusal instanceof Error ? refusal.message : String(refusal));
    }
  });

  return (
    <form onSubmit={submit}>
      <div className="ways" role="group" aria-label="How to sign in">
        {(Object.keys(WAYS) as Way[]).map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === way}
            onClick={() => {
              setWay(each);
              setProblem(null);
            }}
          >
            {WAYS[each]}
          </button>
        ))}
      </div>
      {way === "sign-up" && (
        <label>
          Name
          <input name="name" autoComplete="name" required maxLength={100} />
        </label>
      )}
      {way !== "token" && (
        <>
          <label>
            Email
            <input name="email" type="email" autoComplete="username" required autoFocus />
          </label>
          <label>
            Password
            <input
              name="password"
              type="password"
              autoComplete={way === "sign-up" ? "new-password" : "current-password"}
              required
              minLength={way === "sign-up" ? 10 : undefined}
              maxLength={200}
            />
          </label>
        </>
      )}
      {way === "token" && (
        <label>
          Access token
          <textarea name="token" rows={3} required autoFocus spellCheck={false} placeholder="eyJ…" />
        </label>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className="primary" disabled={isBusy}>
        {isBusy ? "One moment…" : way === "token" ? "Use this token" : WAYS[way]}
      </button>
      <p className="hint">
        Kept in this browser and sent as <code>Authorization</code>, over HTTP and the WebSocket. A header of that name in the
        Headers editor comes first.
      </p>
    </form>
  );
}
