/** The look of the pages in this browser: light, dark, or "" for the system's. `public/theme.js` sets it before the first paint. */

const KEY = "tutti.theme"; // localStorage

export const chosenTheme = (): string => localStorage.getItem(KEY) ?? "";

export function chooseTheme(theme: string): void {
  if (theme) {
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset.theme = theme;
  } else {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  }
}

/** From light to dark or back, whichever is seen now. */
export function toggleTheme(): void {
  const isDark = chosenTheme() ? chosenTheme() === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  chooseTheme(isDark ? "light" : "dark");
}
