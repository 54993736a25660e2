/** A label that was not there: made, and put on tasks, from their menu. */
import type { Act } from "../data/act";
import type { Task } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { CreateLabelDocument } from "../gql/later/graphql";
import { newId } from "../sync/ids";
import { announce } from "../ui/announce";
import { COLORS } from "../ui/forms";
import { toast } from "../ui/toasts";
import { changeAll } from "./QuickMenu";

export async function createLabel(act: Act, workspace: OpenWorkspace, tasks: readonly Task[], name: string): Promise<void> {
  const id = newId("label");
  const [color] = COLORS[workspace.model().labels.length % COLORS.length]!;
  const { problems } = await act(CreateLabelDocument, { id, workspaceId: workspace.id, name, color });
  if (problems) return toast(`The label “${name}” was not created`, problems.form);
  changeAll(workspace, tasks, { addLabelIds: [id] });
  announce(`The label ${name} was created. ${tasks.length > 1 ? `${tasks.length} tasks have it.` : `${tasks[0]?.title} has it.`}`);
}
