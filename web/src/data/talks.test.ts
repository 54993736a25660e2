import { describe, expect, it } from "vitest";
import { toBatch, type WireEvent } from "../sync/events";
import { Replica } from "../sync/replica";
import { Talks } from "./talks";

const comment = (id: number, taskId: string) => ({ __typename: "Comment", id: `comment_${id}`, version: 1, task: { id: taskId } });
type Row = ReturnType<typeof comment>;

const said = (id: number, taskId: string): WireEvent<Row> => ({ __typename: "CommentEvent", op: "CREATED", commentId: `comment_${id}`, comment: comment(id, taskId) });

describe("comments", () => {
  it("are kept of tasks that were opened, and of no other, however much is said", () => {
    const talks = new Talks();
    const replica = new Replica<Row>({});
    talks.opened("open");
    for (let at = 0; at < 3_000; at++) {
      const { steps } = toBatch<Row>({ cursor: `v1:${at}`, events: [said(at, at % 1_000 === 0 ? "open" : `task_${at}`)] });
      replica.apply({ cursor: `v1:${at}`, steps: talks.kept(steps) });
    }
    expect([...replica.all()].map(({ id }) => id)).toEqual(["comment_0", "comment_1000", "comment_2000"]);
    const { steps } = toBatch<Row>({ cursor: "v1:3000", events: [{ __typename: "CommentEvent", op: "DELETED", commentId: "comment_0" }] });
    replica.apply({ cursor: "v1:3000", steps: talks.kept(steps) });
    expect([...replica.all()]).toHaveLength(2);
  });

  it("are let go where many other tasks were opened since, and may come again", () => {
    const talks = new Talks();
    const replica = new Replica<Row>({});
    const left: string[] = [];
    replica.apply({ cursor: "v1:1", steps: [{ kind: "create", row: comment(1, "first") }] });
    for (const id of ["first", "second", ...Array.from({ length: 49 }, (_, at) => `task_${at}`)]) left.push(...talks.opened(id));
    expect(left).toEqual(["first"]);
    expect([...talks.opened("second")]).toEqual([]);
    expect([...talks.opened("another")]).toEqual(["task_0"]);
    expect([...replica.forget(["comment_1", "comment_9"])]).toEqual(["comment_1"]);
    expect([...replica.all()]).toEqual([]);
    replica.apply({ cursor: "v1:1", steps: [{ kind: "put", row: comment(1, "first") }] });
    expect([...replica.all()]).toHaveLength(1);
  });
});
