import type { Exit } from './contract.ts';

/** What a shell or an engine tells of a program that was ended by KILL. */
export const KILLED = 137;

export const outOfMemory = (code: number | null): Exit => ({
	kind: 'failed',
	reason: { code: 'signal', message: 'It was killed for taking more memory than it may.' },
	code,
});
