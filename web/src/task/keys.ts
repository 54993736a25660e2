/** How keys are called on this machine. */
const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

const MOD = isApple ? "⌘" : "Ctrl";
export const SEND_KEY = `${MOD}+Enter sends`;
export const SAVE_KEY = `${MOD}+Enter saves`;
