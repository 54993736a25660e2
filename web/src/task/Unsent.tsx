/** What this person was writing in a workspace that they are out of: the tasks are gone, the texts are still theirs. */
import type { Model } from "../data/model";
import { useDraftsWith } from "../ui/drafts";
import { Leftovers } from "./Leftovers";

export default function Unsent({ taskById }: Pick<Model, "taskById">) {
  const names = useDraftsWith((part) => taskById.has(part));
  return <div className="mx-auto w-full max-w-md px-4 pb-16"><Leftovers names={names} /></div>;
}
