/**
 * What of the filters has room in one line, from estimates of how wide each part is: the line never becomes two, so that the
 * cards below it stay where they are.
 *
 * Invariant: what has no room in the line is in a menu; nothing is out of reach.
 */

export interface Room {
  /** Whether each kind of filter has a menu of its own; otherwise one menu has them all. */
  readonly hasMenus: boolean;
  /** Whether people are toggles at all; otherwise they are in that menu, too. */
  readonly hasPeople: boolean;
  /** How many of the people are toggles. */
  readonly people: number;
  /** Whether there is room for words beside pictures. */
  readonly hasWords: boolean;
  /** Whether even what takes the filters away is in the menu, as on a phone. */
  readonly isNarrow: boolean;
}

const AT_HAND = 12; // more toggles than that are a crowd
// In pixels, with what is between them:
const TOGGLE = 58; // with a count of two digits
const FIELD_VIEW_COUNT = 338; // with the paddings, and with what takes filters away
const NEW_TASK = { words: 120, picture: 50 };
const MENUS = 330;
const PROJECT_MENU = 84;
const ONE_MENU = 98;
const HAS_WORDS = 640;
const NARROW = 480;

/** `width` is that of the line, in pixels. */
export function roomIn(width: number, members: number, hasProjects: boolean): Room {
  const hasWords = width >= HAS_WORDS;
  const rest = width - FIELD_VIEW_COUNT - (hasWords ? NEW_TASK.words : NEW_TASK.picture);
  const toggles = members + 1; // and who has nobody
  const menus = MENUS + (hasProjects ? PROJECT_MENU : 0);
  const hasMenus = rest >= menus + TOGGLE * Math.min(toggles, 4);
  const places = Math.floor((rest - (hasMenus ? menus : ONE_MENU)) / TOGGLE);
  const isForAll = places >= toggles;
  const people = Math.min(isForAll ? members : places - 2, AT_HAND); // one place is nobody's, one for what opens all
  return { hasMenus, hasPeople: isForAll || people > 0, people: Math.max(0, people), hasWords, isNarrow: width < NARROW };
}
