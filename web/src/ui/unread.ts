/** How many notifications are unread, for the navigation and the tab's title; the rest of them is loaded later. */
import { create } from "zustand";

export const useUnread = create<{ count: number }>(() => ({ count: 0 }));
