/** A label that was not there: made, and put on tasks, from their menu. */
import type { Act } from "../data/act";
import type { Label } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";
import { CreateLabelDocument } from "../gql/later/graphql";
import { newId } from "../sync/ids";
import { announce } from "../ui/announce";
import { COLORS } from "../ui/forms";
import { toast } from "../ui/toasts";

export async function createLabel(act: Act, workspace: OpenWorkspace, name: string, whose: string, put: (label: Label) => void): Promise<void> {
  const id = newId("label");
  const [color] = COLORS[workspace.model().labels.length % COLORS.length]!;
  const { problems } = await act(CreateLabelDocument, { id, workspaceId: workspace.id, name, color });
  if (problems) return toast(`The label “${name}” was not created`, problems.form);
  put({ __typename: "Label", id, version: 0, name, color });
  announce(`The label ${name} was created. ${whose} it.`);
}
