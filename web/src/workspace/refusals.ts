/** Tells the person what the server refused, and gives them back what they wrote. */
import type { OpenWorkspace, Refused } from "../data/workspace";
import type { RefusalFragment } from "../gql/graphql";
import type { Operation } from "../sync/replica";
import { toTyped } from "../task/mentions";
import { announce } from "../ui/announce";
import { addToDraft, NEW_TASK, offerDraft } from "../ui/drafts";
import { toast } from "../ui/toasts";

export function tellRefusal(workspace: OpenWorkspace, refused: Refused): void {
  const reason = refused.reasons[0] && { ...refused.reasons[0], message: inWords(refused.reasons[0], refused.operation, workspace.model().me?.role === "GUEST") };
  const { name: mutation, input } = refused.operation;
  if (mutation === "createComment") {
    const model = workspace.model();
    const taskId = String(input.taskId);
    const text = toTyped(String(input.body), model.members);
    addToDraft(input.parentId ? `answer.${taskId}.${String(input.parentId)}` : `comment.${taskId}`, text);
    const isGone = reason?.code === "NOT_FOUND" || !model.taskById.has(taskId); // its event may still be on its way
    if (!isGone) toast("Your comment was not sent. It is in its field again.", reason?.message);
    else toast(`Your comment was not sent: “${text}”`, reason?.message, { label: "Copy", run: () => void navigator.clipboard.writeText(text) });
    return announce(`Your comment was not sent. ${reason?.message ?? ""}`);
  }
  if (mutation === "createTask") {
    const title = String(input.title);
    const isBack = !input.parentId && offerDraft(NEW_TASK, title);
    toast(`“${title}” was not created`, reason?.message, isBack ? undefined : { label: "Copy", run: () => void navigator.clipboard.writeText(title) });
    return announce(`${title} was not created. ${reason?.message ?? ""}`);
  }
  if (mutation === "revertChanges") {
    toast("That could not be undone", reason?.message);
    return announce(`That could not be undone. ${reason?.message ?? ""}`);
  }
  if (mutation === "restoreTask" && !refused.task) {
    toast("The task was not restored", reason?.message);
    return announce(`The task was not restored. ${reason?.message ?? ""}`);
  }
  if (mutation === "bulkUpdateTasks") {
    const { length } = input.updates as readonly unknown[];
    toast(`${length} tasks were changed back`, reason?.message);
    return announce(`${length} tasks were changed back. ${reason?.message ?? ""}`);
  }
  if (reason?.code === "NOT_FOUND" && isOfItself(reason)) {
    toast("Your change is not saved", reason.message);
    return announce(`Your change is not saved. ${reason.message}`);
  }
  const name = refused.task?.title ?? (refused.comment ? "Your comment" : (refused.operation.about ?? "Your change"));
  toast(`“${name}” was changed back`, reason?.message);
  announce(`${name} was changed back. ${reason?.message ?? ""}`);
}

/** Whether a refusal is about what was to be changed, and not about what it was to be given. */
const isOfItself = ({ path }: RefusalFragment): boolean => /^(id|taskId|subjectId|target|changeSetId|changeId)$/.test(path?.at(-1) ?? "id");

/** Why the server refused. What was here once and is not found any more has gone: only a guest may be kept from what is still there. */
export function inWords(reason: RefusalFragment, { name, about, input }: Operation, isGuest: boolean): string {
  if (reason.code !== "NOT_FOUND") return reason.message;
  if (name === "restoreTask") return `It was deleted more than 30 days ago${isGuest ? ", or is where you do not see it" : ""}.`;
  const what = !isOfItself(reason) ? "What you chose" : input.updates ? "One of them" : about ? `“${about}”` : "It";
  return `${what} was deleted meanwhile${isGuest ? ", or is where you do not see it" : ""}.`;
}
