/** What every part of a page of a workspace reads: the open workspace, and its rows as they are to be shown now. */
import { createContext, useContext, useSyncExternalStore } from "react";
import type { Model } from "../data/model";
import type { OpenWorkspace } from "../data/workspace";

export const WorkspaceContext = createContext<OpenWorkspace | null>(null);

export function useWorkspace(): OpenWorkspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("This part belongs inside a workspace.");
  return workspace;
}

export function useModel(): Model {
  const workspace = useWorkspace();
  return useSyncExternalStore(workspace.subscribe, workspace.model);
}

/** Whether all of the workspace is here; otherwise the rest is being read, and what is not there may still come. */
export function useIsWhole(): boolean {
  const workspace = useWorkspace();
  return useSyncExternalStore(workspace.subscribe, () => workspace.sync.isWhole);
}
