/** Fetches scripts that will be needed when the page has nothing else to do: so they are there also without a network. */
export function fetchLater(...scripts: readonly (() => Promise<unknown>)[]): () => void {
  const fetchAll = (): void => scripts.forEach((script) => void script().catch(() => undefined)); // asked again at their use
  if (!("requestIdleCallback" in window)) {
    const timer = setTimeout(fetchAll, 1_000);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(fetchAll, { timeout: 5_000 });
  return () => cancelIdleCallback(handle);
}
