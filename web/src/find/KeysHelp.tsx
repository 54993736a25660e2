/** The keys that work where the person is. */
import { useContext } from "react";
import { useLocation } from "wouter";
import { may } from "../data/model";
import { Dialog } from "../ui/dialog";
import { WorkspaceContext } from "../workspace/context";
import { validKeys } from "./valid-keys";

export default function KeysHelp({ slug, onClose }: { slug: string | undefined; onClose: () => void }) {
  const model = useContext(WorkspaceContext)?.model();
  const [path] = useLocation();
  // What the person may do elsewhere is not known here: the page there says so.
  const groups = validKeys({ path, hasWorkspace: Boolean(slug), mayWrite: !model || may(model, "TASK_WRITE"), mayComment: !model || may(model, "COMMENT_WRITE") });
  return (
    <Dialog title="Keys" onClose={onClose}>
      {groups.map(({ title, keys }) => (
        <section key={title} aria-label={title}>
          <h3 className="pb-1 text-sm font-semibold">{title}</h3>
          <dl className="grid grid-cols-[9rem_1fr] gap-y-1 text-sm">
            {keys.map(([key, does]) => <div key={key} className="contents"><dt><kbd className="rounded-md border border-line bg-raised px-1.5 py-0.5 text-xs">{key}</kbd></dt><dd className="text-dim">{does}</dd></div>)}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
