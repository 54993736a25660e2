/** Every key there is. */
import { Dialog } from "../ui/dialog";

const GROUPS: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: "Everywhere",
    keys: [
      ["Ctrl K or ⌘ K", "Find a task, a place or an action"], ["C", "New task"], ["/", "Search"], ["G then B", "Board"], ["G then L", "List"], ["G then M", "Members"],
      ["G then T", "My tasks"], ["G then I", "Inbox"], ["G then S", "Search"], ["?", "These keys"], ["Esc", "Close what is open"],
    ],
  },
  {
    title: "On a board or list",
    keys: [["J and K", "Next and previous task"], ["Arrows", "The task beside"], ["Enter", "Open it"], ["Alt and arrows", "Move it"], ["Ctrl or ⌘ and Z", "Undo the last change"], ["X", "Select it, to change several"], ["Shift and click", "Select up to there"]],
  },
  {
    title: "On a task that has the focus",
    keys: [["A", "Assign"], ["I", "Take it, or give it back"], ["S", "Status"], ["P", "Priority"], ["L", "Labels"], ["D", "Due"]],
  },
];

export default function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      {GROUPS.map(({ title, keys }) => (
        <section key={title}>
          <h3 className="pb-1 text-sm font-semibold">{title}</h3>
          <dl className="grid grid-cols-[9rem_1fr] gap-y-1 text-sm">
            {keys.map(([key, does]) => <div key={key} className="contents"><dt><kbd className="rounded-md border border-line bg-raised px-1.5 py-0.5 text-xs">{key}</kbd></dt><dd className="text-dim">{does}</dd></div>)}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
