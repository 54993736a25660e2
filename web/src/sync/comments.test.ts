import { describe, expect, it } from "vitest";
import { commentEffects, type CommentRow } from "./comments";
import { toBatch } from "./events";
import { uuidv7 } from "./ids";
import { Replica } from "./replica";

const ME = { id: "user_me", name: "Me" };
const ANN = { id: "user_ann", name: "Ann" };
const comment = (id: string, more: Partial<CommentRow> = {}): CommentRow => ({
  __typename: "Comment", id: `comment_${id}`, version: 1, body: `Body ${id}`, createdAt: "2026-01-01T00:00:00.000Z", editedAt: null,
  resolvedAt: null, task: { id: "task_1" }, author: ANN, parent: null, reactions: [], ...more,
});

function replicaOf(...rows: CommentRow[]): { replica: Replica<CommentRow>; submit: (name: string, input: Record<string, unknown>) => string } {
  const replica = new Replica<CommentRow>(commentEffects<CommentRow>(ME, (made) => made));
  replica.reset(rows, "v1:0");
  return {
    replica,
    submit(name, input) {
      const key = uuidv7();
      replica.submit({ key, name, entityId: String(input.id ?? input.subjectId), input });
      return key;
    },
  };
}

describe("comments that wait", () => {
  it("are shown at once, answers in the thread they answer", () => {
    const { replica, submit } = replicaOf(comment("a"), comment("b", { parent: { id: "comment_a" } }));
    submit("createComment", { id: "comment_c", taskId: "task_1", body: "Yes", parentId: "comment_b" });
    expect(replica.get("comment_c")).toMatchObject({ body: "Yes", author: ME, parent: { id: "comment_a" }, version: 0 });
  });

  it("go back when they are refused", () => {
    const { replica, submit } = replicaOf(comment("a"));
    const [edit, gone] = [submit("updateComment", { id: "comment_a", body: "New", resolved: true }), submit("deleteComment", { id: "comment_a" })];
    expect(replica.get("comment_a")).toBeUndefined();
    replica.refuse(gone);
    expect(replica.get("comment_a")).toMatchObject({ body: "New" });
    expect(replica.get("comment_a")?.resolvedAt).not.toBeNull();
    replica.refuse(edit);
    expect(replica.get("comment_a")).toEqual(comment("a"));
  });
});

describe("reactions", () => {
  it("are one for a person and an emoji, however often they are said", () => {
    const { replica, submit } = replicaOf(comment("a", { reactions: [{ emoji: "👍", count: 1, users: [ANN] }] }));
    submit("addReaction", { subjectId: "comment_a", emoji: "👍" });
    submit("addReaction", { subjectId: "comment_a", emoji: "👍" });
    submit("addReaction", { subjectId: "comment_a", emoji: "🎉" });
    expect(replica.get("comment_a")?.reactions.map(({ emoji, count }) => [emoji, count])).toEqual([["👍", 2], ["🎉", 1]]);
    submit("removeReaction", { subjectId: "comment_a", emoji: "🎉" });
    expect(replica.get("comment_a")?.reactions.map(({ emoji }) => emoji)).toEqual(["👍"]);
  });
});

describe("events of comments", () => {
  const event = (op: string, row: CommentRow | null) => ({ __typename: "CommentEvent" as const, op, commentId: "comment_a", comment: row });
  const apply = (replica: Replica<CommentRow>, ...events: ReturnType<typeof event>[]): void =>
    void replica.apply(toBatch<CommentRow>({ events, cursor: "v1:1" }));

  it("put, change and drop them, and what is gone stays gone", () => {
    const { replica } = replicaOf();
    apply(replica, event("CREATED", comment("a")));
    apply(replica, event("UPDATED", comment("a", { version: 2, body: "New" })));
    expect(replica.get("comment_a")?.body).toBe("New");
    apply(replica, event("DELETED", null));
    apply(replica, event("UPDATED", comment("a", { version: 2, body: "New" })));
    expect(replica.get("comment_a")).toBeUndefined();
  });

  it("take reactions at the same version, as they are read when the batch is made", () => {
    const { replica } = replicaOf(comment("a"));
    const entity = comment("a", { reactions: [{ emoji: "👍", count: 1, users: [ANN] }] });
    replica.apply(toBatch<CommentRow>({ events: [{ __typename: "EntityEvent", op: "UPDATED", entityId: "comment_a", entity }], cursor: "v1:1" }));
    expect(replica.get("comment_a")?.reactions).toHaveLength(1);
  });
});
