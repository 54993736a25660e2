/** A text that two people changed: both versions are offered, and the person chooses. Nothing is lost in the meantime. */
import { create } from "zustand";
import type { Refused } from "../data/workspace";

export const useConflict = create<{ refused: Refused | null }>(() => ({ refused: null }));

export const showConflict = (refused: Refused): void => useConflict.setState({ refused });
