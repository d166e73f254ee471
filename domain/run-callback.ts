import { z } from 'zod';
import { Text } from './common.ts';

/** Of a run's log, callbacks add so much and no more. */
export const CALLBACK_LOG_MAX = 4 * 1_048_576;
/** And so much of it while an agent still has the answer to bring: more comes later. */
export const EARLY_REPORTS_MAX = 1_048_576;

/** What is said of a run where it is carried out, by who was asked for it and given its token. */
export const RunCallback = z.strictObject({
	token: z.string().min(1).max(100),
	/** `running` only adds to the log; the others end the run. */
	status: z.enum(['running', 'success', 'failed']),
	/** Of an end that is no success it is the reason. */
	message: Text(400).optional(),
	/** Added to the log. */
	output: z.string().max(65_536).optional(),
});
export type RunCallback = z.infer<typeof RunCallback>;

/** `void`: there is no such run that waits for a callback, or the token is not its own. */
export type Reported = 'taken' | 'void' | 'too_many';
