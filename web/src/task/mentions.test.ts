import { describe, expect, it } from "vitest";
import type { Membership, Task } from "../data/model";
import { begunAt, offered, toKept, toRead, toTyped, whoSees } from "./mentions";

const id = (digit: string): string => `user_${digit.repeat(8)}-0000-7000-8000-000000000000`;
const member = (digit: string, name: string, handle: string, more: object = {}): Membership =>
  ({ id: `membership_${digit}`, role: "MEMBER", projects: null, user: { id: id(digit), name, handle }, ...more }) as unknown as Membership;
const ANN = member("a", "Ann Müller", "ann");
const BOB = member("b", "Bob", "bob-2");
const PEOPLE = [ANN, BOB];

describe("mentions", () => {
  it("are read as names, also of who is not known", () => {
    expect(toRead(`@[${id("a")}] and @[${id("c")}]`, new Map([[id("a"), "Ann Müller"]]))).toBe("@Ann Müller and @somebody");
  });
  it.each([
    ["Ask @ann, please", `Ask @[${id("a")}], please`],
    ["(@BOB-2)", `(@[${id("b")}])`],
    ["mail ann@ann.example, @@ann and @nobody", "mail ann@ann.example, @@ann and @nobody"],
  ])("%s", (typed, kept) => expect(toKept(typed, PEOPLE)).toBe(kept));

  it("stay mentioned when a text is edited again", () => {
    const kept = `Hi @[${id("a")}] and @[${id("c")}]`;
    expect(toTyped(kept, PEOPLE)).toBe(`Hi @ann and @[${id("c")}]`);
    expect(toKept(toTyped(kept, PEOPLE), PEOPLE)).toBe(kept);
  });

  it("are offered while they are typed, to those who see the task", () => {
    expect(begunAt("Hi @an", 6)).toBe("an");
    expect(begunAt("Hi @", 4)).toBe("");
    expect(begunAt("a@an", 4)).toBeNull();
    expect(begunAt("Hi @ann you", 11)).toBeNull();
    expect(offered(PEOPLE, "mü", id("b"))).toEqual([ANN]);
    expect(offered(PEOPLE, "mü", id("a"))).toEqual([ANN]);
    expect(offered(PEOPLE, "", id("b"))).toEqual(PEOPLE);
    expect(offered(PEOPLE, "", id("a"))).toEqual([BOB, ANN]);
    const guest = member("d", "Dan", "dan", { role: "GUEST", projects: [{ id: "project_1" }] });
    expect(whoSees([ANN, guest], { project: null } as Task)).toEqual([ANN]);
    expect(whoSees([ANN, guest], { project: { id: "project_1" } } as Task)).toEqual([ANN, guest]);
  });
});
