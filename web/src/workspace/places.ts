/** Where the views of a workspace are. */

const TASKS = ["board", "list"];

/** From the board to the list and back, `query` goes along: what is filtered stays so. To go where one is clears it. */
export function pathTo(slug: string, view: string, from: string | undefined, query: string): string {
  const isSame = from !== undefined && from !== view && TASKS.includes(from) && TASKS.includes(view);
  return `/w/${slug}/${view}${isSame && query ? `?${query.replace(/^\?/, "")}` : ""}`;
}
