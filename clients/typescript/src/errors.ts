/** What can go wrong: everything is a `TuttiError`, and what a mutation refuses is a `Refused`. */
import type { RefusalFragment } from "./generated/documents.js";

export interface WireError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly retryAfterSeconds?: number };
}

/** An operation was not done. `code` is the server's, like `UNAUTHENTICATED`. */
export class TuttiError extends Error {
  override readonly name: string = "TuttiError";

  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The server could not be reached or could not answer, also when asked again. */
export class Unavailable extends TuttiError {
  override readonly name = "Unavailable";
}

/** Too much was asked: try again after so many seconds. */
export class RateLimited extends TuttiError {
  override readonly name = "RateLimited";

  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message, "RATE_LIMITED");
  }
}

/** The token is missing, wrong, expired or revoked, or tokens cannot do this. */
export class Unauthenticated extends TuttiError {
  override readonly name = "Unauthenticated";
}

/** A mutation refused its input, and nothing was written. `code` and the message are those of the first reason. */
export class Refused extends TuttiError {
  override readonly name = "Refused";

  constructor(readonly reasons: readonly RefusalFragment[]) {
    super(reasons.map(({ message }) => message).join("; "), reasons[0]?.code ?? "INVALID");
  }
}

/** The error for the `errors` of an answer, after the first of them. */
export function failureOf(errors: readonly WireError[]): TuttiError {
  const { message = "The server gave no result.", extensions } = errors[0] ?? {};
  const code = extensions?.code ?? "UNKNOWN";
  if (code === "RATE_LIMITED") return new RateLimited(message, extensions?.retryAfterSeconds ?? 1);
  if (code === "UNAUTHENTICATED") return new Unauthenticated(message, code);
  return code === "SERVICE_UNAVAILABLE" ? new Unavailable(message, code) : new TuttiError(message, code);
}
