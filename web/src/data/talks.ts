/**
 * Of which tasks the comments are kept: of those that were opened last. Those of any other task are read when it is opened,
 * so what is said there meanwhile need not lie here.
 *
 * Invariant: a comment that is shown is of a task whose comments are kept.
 */
import type { Row, Step } from "../sync/replica";

const AT_MOST = 50;

export class Talks {
  /** The one that was opened last is at the end. */
  private readonly ids = new Set<string>();

  /** Comments of this task are kept from now on. Returns the tasks whose comments can go. */
  opened(taskId: string): ReadonlySet<string> {
    this.ids.delete(taskId);
    this.ids.add(taskId);
    const left = [...this.ids].slice(0, -AT_MOST);
    for (const id of left) this.ids.delete(id);
    return new Set(left);
  }

  /** Without the comments that are not kept. */
  kept<R extends Row>(steps: readonly Step<R>[]): readonly Step<R>[] {
    return steps.filter((step) => step.kind === "drop" || this.isKept(step.row));
  }

  private isKept(row: Row): boolean {
    const { __typename, task } = row as { readonly __typename?: string; readonly task?: { readonly id: string } };
    return __typename !== "Comment" || !task || this.ids.has(task.id);
  }
}
