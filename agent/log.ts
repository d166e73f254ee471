/** One line of the agent's own journal of work, for the operator: never a log byte of a run, never a secret. */
export type Log = (message: string) => void;

export const log: Log = (message) => {
	process.stdout.write(`${new Date().toISOString()} ${message}\n`);
};
