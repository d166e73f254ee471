import type { finalRunStatuses } from '#domain/run.ts';
import { Exit } from './failure.ts';
import type { Run } from './rows.ts';
import { span } from './words.ts';

/** What the end of a run means for whoever waited for it. */
const ends = new Map<string, number>(
	Object.entries({
		success: Exit.done,
		failed: Exit.runFailed,
		canceled: Exit.runCanceled,
		lost: Exit.runLost,
	} satisfies Record<(typeof finalRunStatuses)[number], number>),
);

export const isOver = ({ status }: Run): boolean => ends.has(status);
export const exitOf = ({ status }: Run): number => ends.get(status) ?? Exit.refused;

/** How a run ended, in a sentence. */
export function outcome({ id, status, duration, reason }: Run): string {
	const took = span(duration);
	return `Run ${String(id)}: ${status}${took === null ? '' : ` after ${took}`}${reason ? `. ${reason.message}` : ''}`;
}
