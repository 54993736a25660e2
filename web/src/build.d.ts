/** By vite.config.ts: differs where documents of the client differ. */
declare const SHAPE_OF_ANSWERS: string;
