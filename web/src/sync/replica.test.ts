import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBatch } from "./events";
import { uuidv7 } from "./ids";
import { between, compareRanks } from "./rank";
import { Replica, type Operation } from "./replica";
import { MemoryStorage } from "./storage";
import { inputOf, taskEffects, type StatusRow, type TaskRow } from "./tasks";
import { actsOf, undoEffects, undoing } from "./undo";

type AnyRow = TaskRow | StatusRow;

const ME = "user_me";
const todo: StatusRow = { __typename: "Status", id: "status_todo", version: 1, category: "TODO", rank: "a0" };
const doing: StatusRow = { __typename: "Status", id: "status_doing", version: 1, category: "IN_PROGRESS", rank: "a1" };

const task = (id: string, more: Partial<TaskRow> = {}): TaskRow => ({
  __typename: "Task",
  id: `task_${id}`,
  version: 1,
  key: `ACME-${id}`,
  title: `Title ${id}`,
  description: "",
  priority: "NONE",
  startDate: null,
  dueDate: null,
  estimate: null,
  rank: `a${id}`,
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z",
  completedAt: null,
  archivedAt: null,
  project: null,
  status: { id: todo.id },
  assignees: [],
  labels: [],
  parent: null,
  createdBy: { id: ME },
  ...more,
});

const operation = (name: string, input: Record<string, unknown>, baseVersion?: number): Operation => ({
  key: uuidv7(),
  name,
  entityId: String(input.id),
  input,
  ...(baseVersion === undefined ? {} : { baseVersion }),
});

function replicaOf(...rows: AnyRow[]): Replica<AnyRow> {
  const replica = new Replica<AnyRow>({ ...taskEffects<AnyRow>(ME, (made) => made), ...undoEffects<AnyRow>() });
  replica.reset([todo, doing, ...rows], "v1:0");
  return replica;
}

const shown = (replica: Replica<AnyRow>, id: string): TaskRow | undefined => {
  const row = replica.get(`task_${id}`);
  return row?.__typename === "Task" ? row : undefined;
};

const order = (replica: Replica<AnyRow>, statusId = todo.id): string[] =>
  [...replica.all()]
    .filter((row): row is TaskRow => row.__typename === "Task" && row.status.id === statusId)
    .sort((a, b) => compareRanks(a.rank, b.rank) || compareRanks(a.id, b.id))
    .map((row) => row.id.slice("task_".length));

describe("what waits lies on top of what the server said", () => {
  it("shows an edit at once, and the server's answer in its place", () => {
    const replica = replicaOf(task("1"));
    const edit = operation("updateTask", { id: "task_1", title: "Mine" });
    replica.submit(edit);
    expect(shown(replica, "1")?.title).toBe("Mine");
    expect(replica.confirmed("task_1")).toMatchObject({ title: "Title 1" });
    replica.confirm(edit.key, { rows: [task("1", { title: "Mine, trimmed", version: 2 })] });
    expect(shown(replica, "1")?.title).toBe("Mine, trimmed");
    expect(replica.operations).toEqual([]);
  });

  it("takes a refused edit back, and nothing else", () => {
    const replica = replicaOf(task("1"));
    const first = operation("updateTask", { id: "task_1", title: "Refused" });
    const second = operation("updateTask", { id: "task_1", priority: "HIGH" });
    replica.submit(first);
    replica.submit(second);
    expect(replica.refuse(first.key)).toMatchObject([first]);
    expect(shown(replica, "1")).toMatchObject({ title: "Title 1", priority: "HIGH" });
  });

  it("changes several tasks by one operation, and takes all of it back if it is refused", () => {
    const replica = replicaOf(task("1"), task("2", { priority: "LOW" }));
    const many: Operation = { ...operation("bulkUpdateTasks", { updates: ["1", "2", "gone"].map((id) => ({ id: `task_${id}`, priority: "HIGH" })) }), entityId: "task_1" };
    replica.submit(many);
    expect([shown(replica, "1")?.priority, shown(replica, "2")?.priority]).toEqual(["HIGH", "HIGH"]);
    expect(replica.refuse(many.key)).toMatchObject([many]);
    expect([shown(replica, "1")?.priority, shown(replica, "2")?.priority]).toEqual(["NONE", "LOW"]);
  });

  it("lets what was written after our own change of several build on its answer", () => {
    const replica = replicaOf(task("1"));
    const many: Operation = { ...operation("bulkUpdateTasks", { updates: [{ id: "task_1", title: "Ours" }] }), entityId: "task_1" };
    replica.submit(many);
    replica.submit(operation("updateTask", { id: "task_1", title: "Ours, too" }, 1));
    replica.confirm(many.key, { rows: [task("1", { title: "Ours", version: 5 })] });
    expect(replica.operations[0]?.baseVersion).toBe(5);
  });

  it("shows another person's create while two of ours wait", () => {
    const replica = replicaOf();
    replica.submit(operation("createTask", { id: "task_a", title: "A" }));
    replica.submit(operation("createTask", { id: "task_b", title: "B" }));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "create", row: task("9", { rank: "b0" }) }] });
    expect(order(replica).sort()).toEqual(["9", "a", "b"]);
  });

  it("replays an edit on what somebody else has changed since", () => {
    const replica = replicaOf(task("1"));
    replica.submit(operation("updateTask", { id: "task_1", title: "Mine" }));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "put", row: task("1", { version: 2, priority: "URGENT" }) }] });
    expect(shown(replica, "1")).toMatchObject({ title: "Mine", priority: "URGENT" });
  });

  it("takes along what waits for a thing whose creation was refused", () => {
    const replica = replicaOf();
    const create = operation("createTask", { id: "task_a", title: "A" });
    const edit = operation("updateTask", { id: "task_a", title: "B" });
    replica.submit(create);
    replica.submit(edit);
    expect(replica.refuse(create.key)).toMatchObject([create, edit]);
    expect(shown(replica, "a")).toBeUndefined();
  });

  it("tells listeners exactly the rows that may look different", () => {
    const replica = replicaOf(task("1"), task("2"));
    const told: string[][] = [];
    replica.listen((ids) => told.push([...ids].sort()));
    const edit = operation("updateTask", { id: "task_1", title: "Mine" });
    replica.submit(edit);
    replica.apply({ cursor: "v1:1", steps: [{ kind: "put", row: task("2", { version: 2 }) }] });
    replica.refuse(edit.key);
    expect(told).toEqual([["task_1"], ["task_1", "task_2"], ["task_1"]]);
  });
});

describe("versions decide, not the order of arrival", () => {
  it("never goes back to an older version, from an event or an answer", () => {
    const replica = replicaOf(task("1", { version: 3, title: "Third" }));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "put", row: task("1", { version: 2, title: "Second" }) }] });
    replica.confirm("unknown", { rows: [task("1", { version: 3, title: "Also third" })] });
    expect(shown(replica, "1")?.title).toBe("Third");
    expect(replica.cursor).toBe("v1:1");
  });

  it("does not bring back what is gone by a late answer, but does by its return", () => {
    const replica = replicaOf(task("1"));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "drop", id: "task_1" }] });
    replica.confirm("late", { rows: [task("1", { version: 2 })] });
    expect(shown(replica, "1")).toBeUndefined();
    replica.apply({ cursor: "v1:2", steps: [{ kind: "create", row: task("1", { version: 4 }) }] });
    expect(shown(replica, "1")?.version).toBe(4);
  });

  it("remembers only what has gone lately, so that it does not grow", () => {
    const replica = replicaOf();
    replica.apply({ cursor: "v1:1", steps: Array.from({ length: 10_001 }, (_, at) => ({ kind: "drop", id: `task_${at}` })) });
    replica.apply({ cursor: "v1:2", steps: [0, 1, 10_000].map((at) => ({ kind: "put", row: task(String(at)) })) });
    expect(shown(replica, "0")).toBeDefined();
    expect(shown(replica, "1")).toBeUndefined();
    expect(shown(replica, "10000")).toBeUndefined();
  });

  it("takes a fresh reading of the same version, for what versions do not count", () => {
    const replica = replicaOf(task("1"));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "fresh", row: task("1", { title: "Renamed beside it" }) }] });
    expect(shown(replica, "1")?.title).toBe("Renamed beside it");
  });

  it("builds on our own answer what we wrote after it, and keeps an older base where somebody came between", () => {
    const replica = replicaOf(task("1", { version: 4 }));
    const first = operation("updateTask", { id: "task_1", title: "One" }, 4);
    const same = operation("updateTask", { id: "task_1", title: "Two" }, 4);
    const other = operation("updateTask", { id: "task_1", description: "Text" }, 4);
    for (const each of [first, same, other]) replica.submit(each);
    replica.confirm(first.key, { rows: [task("1", { version: 6, title: "One" })] });
    expect(replica.operations.map((each) => each.baseVersion)).toEqual([6, 4]);
    expect(inputOf(replica.operations[0]!)).toMatchObject({ title: "Two", baseVersion: 6, clientMutationId: same.key });
  });

  it("applied twice, any batch changes nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("put", "create", "drop"), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 9 }))), (plan) => {
        const steps = plan.map(([kind, id, version]) =>
          kind === "drop" ? ({ kind, id: `task_${id}` } as const) : ({ kind: kind as "put" | "create", row: task(String(id), { version }) } as const),
        );
        const [once, twice] = [replicaOf(), replicaOf()];
        once.apply({ cursor: "v1:1", steps });
        twice.apply({ cursor: "v1:1", steps });
        const lastOfEach = new Map(steps.map((step) => [step.kind === "drop" ? step.id : step.row.id, step]));
        const endsGone = [...lastOfEach].filter(([, step]) => step.kind === "drop").map(([id]) => id);
        for (const id of endsGone) expect(once.get(id)).toBeUndefined();
        twice.apply({ cursor: "v1:1", steps });
        expect(new Set([...twice.all()].map((row) => row.id))).toEqual(new Set([...once.all()].map((row) => row.id)));
      }),
    );
  });
});

describe("moves", () => {
  it.each([
    [{ after: "task_1" }, ["1", "3", "2"]],
    [{ before: "task_1" }, ["3", "1", "2"]],
    [{ edge: "FIRST" }, ["3", "1", "2"]],
    [{ edge: "LAST" }, ["1", "2", "3"]],
    [{ after: "task_unknown" }, ["1", "2", "3"]],
  ])("puts a card where it was dropped: %j", (position, wanted) => {
    const replica = replicaOf(task("1"), task("2"), task("3"));
    replica.submit(operation("moveTask", { id: "task_3", position }));
    expect(order(replica)).toEqual(wanted);
  });

  it("keeps the order of many moves to one place", () => {
    const replica = replicaOf(task("1"), task("2"), task("3"), task("4"));
    for (const id of ["2", "3", "4"]) replica.submit(operation("moveTask", { id: `task_${id}`, position: { edge: "FIRST" } }));
    expect(order(replica)).toEqual(["4", "3", "2", "1"]);
    for (const id of ["1", "2"]) replica.submit(operation("moveTask", { id: `task_${id}`, position: { after: "task_4" } }));
    expect(order(replica)).toEqual(["4", "2", "1", "3"]);
  });

  it("goes to another column", () => {
    const replica = replicaOf(task("1"), task("2", { status: { id: doing.id } }));
    replica.submit(operation("moveTask", { id: "task_1", statusId: doing.id, position: { after: "task_2" } }));
    expect([order(replica), order(replica, doing.id)]).toEqual([[], ["2", "1"]]);
  });
});

describe("edits of fields", () => {
  it("keeps what is left out, clears what is null, and changes sets by adding and removing", () => {
    const replica = replicaOf(task("1", { dueDate: "2026-05-01", description: "Text", assignees: [{ id: "user_a" }, { id: "user_b" }] }));
    replica.submit(operation("updateTask", { id: "task_1", dueDate: null, addAssigneeIds: ["user_c", "user_b"], removeAssigneeIds: ["user_a"] }));
    expect(shown(replica, "1")).toMatchObject({ dueDate: null, description: "Text", assignees: [{ id: "user_b" }, { id: "user_c" }] });
    replica.submit(operation("updateTask", { id: "task_1", description: null }));
    expect(shown(replica, "1")?.description).toBe("");
    replica.submit(operation("updateTask", { id: "task_1", addAssigneeIds: ["user_b"], removeAssigneeIds: ["user_b"] }));
    expect(shown(replica, "1")?.assignees).toEqual([{ id: "user_b" }, { id: "user_c" }]);
  });

  it("shows a new task with the first status to do, in its parent's project", () => {
    const replica = replicaOf(task("1", { project: { id: "project_p" } }));
    const id = `task_${uuidv7()}`;
    replica.submit(operation("createTask", { id, title: " New ", parentId: "task_1" }));
    expect(replica.get(id)).toMatchObject({ title: "New", status: { id: todo.id }, project: { id: "project_p" }, version: 0 });
    expect(Math.abs(Date.parse((replica.get(id) as TaskRow).createdAt) - Date.now())).toBeLessThan(60_000);
  });

  it("tolerates tasks that are not there", () => {
    const replica = replicaOf();
    for (const name of ["updateTask", "moveTask", "archiveTask", "restoreTask", "deleteTask", "unheardOf"]) {
      replica.submit(operation(name, { id: "task_nowhere" }));
    }
    expect([...replica.all()]).toEqual([todo, doing]);
  });

  it("archives and deletes at once", () => {
    const replica = replicaOf(task("1"), task("2"));
    replica.submit(operation("archiveTask", { id: "task_1" }));
    replica.submit(operation("deleteTask", { id: "task_2" }));
    expect(shown(replica, "1")?.archivedAt).not.toBeNull();
    expect(shown(replica, "2")).toBeUndefined();
    replica.submit(operation("restoreTask", { id: "task_1" }));
    expect(shown(replica, "1")?.archivedAt).toBeNull();
  });
});

describe("ranks of our own", () => {
  const serverRank = fc.stringMatching(/^[A-Za-z][0-9A-Za-z]{1,6}$/);

  it("fit between any two, any number of times", () => {
    fc.assert(
      fc.property(serverRank, serverRank, fc.array(fc.boolean(), { maxLength: 12 }), (a, b, sides) => {
        fc.pre(a !== b);
        let [low, high] = a < b ? [a, b] : [b, a];
        for (const isLow of sides) {
          const middle = between(low, high);
          expect(low < middle && middle < high).toBe(true);
          if (isLow) low = middle;
          else high = middle;
        }
      }),
    );
  });

  it("fit before and behind all", () => {
    fc.assert(
      fc.property(serverRank, (rank) => {
        expect(between(null, rank) < rank).toBe(true);
        expect(between(null, between(null, rank)) < between(null, rank)).toBe(true);
        expect(between(rank, null) > rank).toBe(true);
      }),
    );
  });
});

describe("batches from the wire", () => {
  it("become steps, and what is unknown or was not selected changes nothing", () => {
    const batch = toBatch<AnyRow>({
      cursor: "v1:5",
      resync: null,
      events: [
        { __typename: "TaskCreatedEvent", task: task("1") },
        { __typename: "TaskCreatedEvent", task: null },
        { __typename: "TaskUpdatedEvent", task: task("2") },
        { __typename: "TaskRemovedEvent", taskId: "task_3" },
        { __typename: "EntityEvent", op: "UPDATED", entityId: todo.id, entity: todo },
        { __typename: "EntityEvent", op: "CREATED", entityId: doing.id, entity: doing },
        { __typename: "EntityEvent", op: "UPDATED", entityId: "invite_1", entity: { id: "invite_1" } },
        { __typename: "EntityEvent", op: "UPDATED", entityId: "label_1", entity: null },
        { __typename: "EntityEvent", op: "DELETED", entityId: "label_2", entity: { id: "label_2", version: 7 } },
        { __typename: "FutureEvent" } as never,
      ],
    });
    expect(batch.needsSnapshot).toBe(false);
    expect(batch.steps.map((step) => [step.kind, step.kind === "drop" ? step.id : step.row.id])).toEqual([
      ["create", "task_1"],
      ["put", "task_2"],
      ["drop", "task_3"],
      ["fresh", todo.id],
      ["create", doing.id],
      ["drop", "label_1"],
      ["drop", "label_2"],
    ]);
  });
});

describe("ids and storage", () => {
  it("makes ids that rise, of the right form", () => {
    const ids = Array.from({ length: 10_000 }, () => uuidv7());
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  });

  it("gives back operations in the order they were made", async () => {
    const storage = new MemoryStorage<AnyRow>();
    const [first, second] = [operation("updateTask", { id: "task_1" }), operation("updateTask", { id: "task_2" })];
    await storage.save({ putOperations: [second], put: [todo], cursor: "v1:1" });
    await storage.save({ putOperations: [first] });
    expect(await storage.load()).toEqual({ cursor: "v1:1", rows: [todo], operations: [first, second] });
    await storage.save({ isWhole: true, put: [doing], dropOperations: [first.key], cursor: "v1:2" });
    expect(await storage.load()).toEqual({ cursor: "v1:2", rows: [doing], operations: [second] });
  });
});

describe("an undo", () => {
  const undone = (replica: Replica<AnyRow>, waiting: Operation): Operation => replica.submit(undoing(uuidv7(), waiting, null))[0]!;

  it("takes back what waits exactly, and is aimed at what the answer says", () => {
    const replica = replicaOf(task("1"), task("2"));
    const move = replica.submit(operation("moveTask", { id: "task_1", statusId: doing.id, position: { edge: "LAST" } }))[0]!;
    const undo = undone(replica, move);
    expect(shown(replica, "1")).toEqual(task("1"));
    replica.confirm(move.key, { rows: [task("1", { status: { id: doing.id }, rank: "z9", version: 2 })], changeSetId: "set_1" });
    expect(shown(replica, "1")).toMatchObject({ status: { id: todo.id }, rank: "a1" });
    expect(replica.operations).toMatchObject([{ key: undo.key, input: { target: { changeSetId: "set_1" } } }]);
    expect(replica.operations[0]).not.toHaveProperty("undoes");
    replica.confirm(undo.key, { rows: [task("1", { version: 3 })] });
    expect(shown(replica, "1")).toEqual(task("1", { version: 3 }));
  });

  it("leaves alone what somebody else has made of it", () => {
    const replica = replicaOf(task("1", { assignees: [{ id: "a" }, { id: "b" }] }));
    const edit = replica.submit(operation("updateTask", { id: "task_1", title: "Mine", priority: "HIGH", addAssigneeIds: ["c"], removeAssigneeIds: ["a"] }))[0]!;
    replica.confirm(edit.key, { rows: [task("1", { title: "Theirs", priority: "HIGH", assignees: [{ id: "b" }, { id: "c" }], version: 2 })], changeSetId: "set_1" });
    replica.submit(undoing(uuidv7(), edit, "set_1"));
    replica.apply({ cursor: "v1:1", steps: [{ kind: "put", row: task("1", { title: "Theirs", priority: "LOW", assignees: [{ id: "b" }, { id: "c" }, { id: "d" }], version: 3 }) }] });
    expect(shown(replica, "1")).toMatchObject({ title: "Theirs", priority: "LOW", assignees: [{ id: "b" }, { id: "d" }, { id: "a" }] });
  });

  it("brings back what is gone, and of several all", () => {
    const replica = replicaOf(task("1"), task("2"), task("3"));
    const edit = replica.submit(operation("bulkUpdateTasks", { updates: [{ id: "task_1", priority: "HIGH" }, { id: "task_2", priority: "LOW" }] }))[0]!;
    const removal = replica.submit(operation("deleteTask", { id: "task_3" }))[0]!;
    for (const [at, done] of [edit, removal].entries()) {
      const rows = at === 0 ? [task("1", { priority: "HIGH", version: 2 }), task("2", { priority: "LOW", version: 2 })] : [];
      replica.confirm(done.key, { rows, dropped: at === 0 ? [] : ["task_3"], changeSetId: `set_${at}` });
      replica.submit(undoing(uuidv7(), done, `set_${at}`));
    }
    expect(["1", "2", "3"].map((id) => shown(replica, id)?.priority)).toEqual(["NONE", "NONE", "NONE"]);
  });

  it("knows of each of several that were submitted together what it did", () => {
    const replica = replicaOf(task("1"), task("2"));
    const told: string[][] = [];
    replica.listen((ids) => told.push([...ids].sort()));
    const both = replica.submit(...["1", "2"].map((id) => operation("updateTask", { id: `task_${id}`, priority: "HIGH" })));
    expect(both.map(({ deeds }) => deeds)).toEqual(["1", "2"].map((id) => [{ id: `task_${id}`, fields: { priority: ["NONE", "HIGH"] } }]));
    expect(told).toEqual([["task_1", "task_2"]]);
  });

  it("is of all that was done as one, also where it waits among others after a reload", async () => {
    const storage = new MemoryStorage<AnyRow>();
    const replica = replicaOf(task("1"), task("2"));
    const [one, two] = ["1", "2"].map((id) => operation("archiveTask", { id: `task_${id}` }));
    const other = operation("updateTask", { id: "task_1", title: "Between" });
    const both = [one!, two!].map((each) => ({ ...each, act: one!.key }));
    await storage.save({ putOperations: [...replica.submit(...both), ...replica.submit(other)] });
    expect(actsOf((await storage.load()).operations)).toEqual([[one!.key, two!.key], [other.key]]);
  });

  it("goes with what was refused, or has changed nothing", () => {
    const replica = replicaOf(task("1"));
    const refused = replica.submit(operation("updateTask", { id: "task_1", title: "Refused" }))[0]!;
    const undo = undone(replica, refused);
    expect(replica.refuse(refused.key).map(({ key }) => key)).toEqual([refused.key, undo.key]);
    const same = replica.submit(operation("updateTask", { id: "task_1", title: "Title 1" }))[0]!;
    undone(replica, same);
    replica.confirm(same.key, { rows: [task("1")], changeSetId: null });
    expect(replica.operations).toEqual([]);
  });
});
