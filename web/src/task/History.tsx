/** Who changed what, the newest first, also what was overwritten. Asked for when it is opened. */
import { useEffect } from "react";
import { useQuery } from "urql";
import { TaskHistoryDocument } from "../gql/graphql";
import type { Model, Task } from "../data/model";
import { textOf } from "../ui/controls";

export function History({ task, model }: { task: Task; model: Model }) {
  const [{ data, error, fetching }, ask] = useQuery({ query: TaskHistoryDocument, variables: { id: task.id }, requestPolicy: "network-only" });
  useEffect(() => ask({ requestPolicy: "network-only" }), [task.version, ask]);
  if (error && !data) return <p className="text-sm text-dim">{textOf(error)}</p>;
  if (!data) return fetching ? <p className="text-sm text-dim">Loading…</p> : null;
  return (
    <ol className="grid gap-2 text-sm">
      {data.task?.history.nodes.map(({ id, at, actor, changes }) => (
        <li key={id} className="wrap-anywhere">
          <span className="font-medium">{actor.name}</span> <time className="text-dim" dateTime={at}>{new Date(at).toLocaleString()}</time>
          <ul className="text-dim">
            {changes.filter(({ field }) => field !== "RANK").map(({ field, before, after }) => (
              <li key={field}>{field.toLowerCase().replaceAll("_", " ")}: {said(before, model)} → {said(after, model)}</li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function said(value: unknown, model: Model): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) return value.map((each) => said(each, model)).join(", ") || "nothing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const known = model.statusById.get(text)?.name ?? model.labelById.get(text)?.name ?? model.taskById.get(text)?.title;
  return known ?? model.members.find(({ user }) => user.id === text)?.user.name ?? (text.length > 140 ? `${text.slice(0, 140)}…` : text);
}
