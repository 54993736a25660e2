/** Search over a workspace: titles, descriptions and comments, by the server; without it, over the copy that is here. */
import { useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { useQueryAgain } from "../data/again";
import type { Model } from "../data/model";
import { SearchTasksDocument, type FoundTaskFragment } from "../gql/later/graphql";
import { INPUT } from "../ui/controls";
import { plainOf } from "../ui/plain";
import { useModel, useWorkspace } from "../workspace/context";
import { excerpt, marked, passageOf, titleOf, type Part, type Passage } from "./find";
import { TaskLine } from "./TaskLine";
import { useWalk } from "./walk";

const REST_MS = 200; // a search is asked for when the typing rests
const AT_MOST = 50;

interface Found {
  readonly task: FoundTaskFragment;
  readonly title: readonly Part[];
  readonly passage: Passage | null;
}

export default function SearchPage({ slug }: { slug: string }) {
  useWalk();
  const workspace = useWorkspace();
  const model = useModel();
  const [address, setAddress] = useSearchParams();
  const [typed, setTyped] = useState(address.get("q") ?? "");
  const query = (address.get("q") ?? "").trim();
  useEffect(() => {
    const timer = setTimeout(() => setAddress(typed ? { q: typed } : {}, { replace: true }), REST_MS);
    return () => clearTimeout(timer);
  }, [typed, setAddress]);
  const [{ data, error, fetching }] = useQueryAgain({ query: SearchTasksDocument, variables: { id: workspace.id, query }, pause: !query, requestPolicy: "cache-and-network" });
  const here = useMemo(() => (error && query ? searchHere(model, query) : []), [error, query, model]);
  const found: Found[] = error ? here : (data?.searchTasks?.edges ?? []).map(({ node, textMatches }) => ({ task: node, title: titleOf(node.title, textMatches ?? []), passage: passageOf(textMatches ?? [], (id) => model.nameById.get(id)) }));

  return (
    <div className="mx-auto flex min-h-0 w-full max-w-4xl grow flex-col gap-3 px-4 py-6 sm:px-8">
      <h2 className="text-xl font-semibold tracking-tight">Search</h2>
      <input type="search" aria-label="Search tasks" placeholder="Titles, descriptions, comments" className={`${INPUT} shrink-0`} maxLength={200} autoFocus value={typed} onChange={(event) => setTyped(event.target.value)} />
      <p role="status" aria-label="Found" className="text-sm text-dim">
        {!query ? "Type words or the beginnings of words. Small typos are forgiven." : fetching && !data ? "Searching…" : counted(found.length, query)}
        {error && query && " The server cannot be asked; these are from the copy in this browser, without comments."}
      </p>
      {query && found.length > 0 && (
        <nav aria-label="Found tasks" className="min-h-0 overflow-y-auto rounded-xl border border-line">
          {found.map(({ task, title, passage }) => <TaskLine key={task.id} task={task} slug={slug} title={title} passage={passage} />)}
        </nav>
      )}
    </div>
  );
}

function counted(count: number, query: string): string {
  if (count === 0) return `No task was found for “${query}”. Try fewer words, or the beginning of one.`;
  return count === 1 ? "1 task." : count < AT_MOST ? `${count} tasks.` : `The best ${AT_MOST} tasks.`;
}

function searchHere(model: Model, query: string): Found[] {
  const words = query.toLowerCase().split(/\s+/);
  const found: Found[] = [];
  for (const task of model.tasks) {
    const status = model.statusById.get(task.status.id);
    const text = `${task.key} ${task.title} ${task.description}`.toLowerCase();
    if (status && task.archivedAt === null && words.every((word) => text.includes(word))) {
      const around = excerpt(plainOf(task.description, (id) => model.nameById.get(id)), query);
      found.push({ task: { ...task, status }, title: marked(task.title, query), passage: around ? { parts: marked(around, query) } : null });
    }
    if (found.length === AT_MOST) break;
  }
  return found;
}
