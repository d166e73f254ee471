/** Something went wrong that a person can put right: its message is one clear sentence, printed without a stack. */
export class Failure extends Error {}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
