/** Whether a key belongs to what has the focus: somebody types, or did until their field was taken away, or a dialog or a menu is open. */
export const isTyping = (event: KeyboardEvent): boolean =>
  document.querySelector("dialog[open]") !== null || (event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable], [role=menu], [data-holds-keys]") !== null);
