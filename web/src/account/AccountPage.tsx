/** The person's account in this browser: the look of the pages, and signing out. */
import { useState } from "react";
import { chooseTheme, chosenTheme } from "../app/theme";
import { activeAccount, signOut } from "../session/accounts";
import { forgetReplicas } from "../sync/indexeddb";
import { Avatar, Button, Select } from "../ui/controls";
import { useViewer } from "../workspace/viewer";

export default function AccountPage() {
  const { user, email } = useViewer();
  const [theme, setTheme] = useState(chosenTheme);

  function choose(next: string): void {
    setTheme(next);
    chooseTheme(next);
  }
  async function leave(): Promise<void> {
    const account = activeAccount();
    if (!account) return;
    localStorage.removeItem(`tutti.viewer.${account.id}`);
    await signOut(account);
    await forgetReplicas(account.id);
  }

  return (
    <div className="mx-auto grid w-full max-w-xl gap-6 overflow-y-auto p-4">
      <section className="flex items-center gap-3">
        <Avatar id={user.id} name={user.name} size={48} />
        <div><p className="font-semibold">{user.name}</p><p className="text-sm text-dim">@{user.handle}, {email}</p></div>
      </section>
      <Select label="Theme" value={theme} onChange={(event) => choose(event.target.value)}>
        <option value="">As the system</option><option value="light">Light</option><option value="dark">Dark</option>
      </Select>
      <div><Button kind="danger" onClick={() => void leave()}>Sign out</Button></div>
    </div>
  );
}
