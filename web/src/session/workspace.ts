/** The workspace this browser joined last, so that GraphiQL's tour opens on it. */

const KEY = "tutti.workspace"; // localStorage

export const rememberWorkspace = (id: string): void => localStorage.setItem(KEY, id);

export const rememberedWorkspace = (): string | null => localStorage.getItem(KEY);
