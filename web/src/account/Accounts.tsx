/** Who is signed in in this browser: going on as somebody else, and adding an account without signing out. */
import { useState } from "react";
import { useLocation } from "wouter";
import { actAs } from "../session/accounts";
import { useAccounts } from "../session/use-accounts";
import { SignIn } from "../session/Welcome";
import { Avatar, Button } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge, Row, Rows, Section } from "../ui/forms";
import { useViewer } from "../workspace/viewer";
import { SignOut } from "./SignOut";

export function Accounts() {
  const { user } = useViewer();
  const all = useAccounts().toSorted((a, b) => Number(b.id === user.id) - Number(a.id === user.id) || a.name.localeCompare(b.name));
  const [, go] = useLocation();
  const [isAdding, setIsAdding] = useState(false);
  return (
    <Section title="This browser" lead="Each tab acts as one account. Signing out removes what is kept here of its tasks."
      action={<Button onClick={() => setIsAdding(true)}>Add an account…</Button>}>
      <Rows label="Accounts in this browser">
        {all.map(({ id, name, email }) => (
          <Row key={id}>
            <Avatar id={id} name={name} size={32} />
            <div className="min-w-0 grow basis-40"><p className="truncate font-medium">{name}</p><p className="truncate text-sm text-dim">{email}</p></div>
            {id === user.id ? (
              <><Badge>This tab</Badge><SignOut /></>
            ) : (
              <Button onClick={() => { actAs(id); go("/"); }}>Switch<span className="sr-only"> to {name}</span></Button>
            )}
          </Row>
        ))}
      </Rows>
      {isAdding && <Dialog title="Add an account" onClose={() => setIsAdding(false)}><SignIn onDone={() => go("/")} /></Dialog>}
    </Section>
  );
}
