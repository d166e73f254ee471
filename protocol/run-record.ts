import { z } from 'zod';
import { Reason } from '#domain/run-reason.ts';
import { Commit, StepStatus } from '#domain/run-step.ts';
import { Tool } from '#domain/script.ts';

const step = { n: z.int().min(1).max(20), host: z.string().min(1).max(253).nullable() };

/**
 * What an agent says of a run beside its output, as the payload of a frame of kind `record`: JSON, at the place in the log where it
 * happened. From protocol 2 on.
 */
export const RunRecord = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('step_started'),
		...step,
		name: z.string().max(200),
		tool: Tool,
		/** Which one its script is of, where it was fetched from a repository. */
		commit: Commit.optional(),
	}),
	z.strictObject({
		type: z.literal('step_ended'),
		...step,
		status: StepStatus.exclude(['running']),
		exit_code: z.int().nullable(),
		reason: Reason.nullable(),
		counts: z.record(z.string().max(40), z.int().min(0)).nullable(),
	}),
]);
export type RunRecord = z.infer<typeof RunRecord>;

/** A record's JSON, in bytes. */
export const RECORD_MAX = 8_192;

/** Null where it is no record. */
export function parseRecord(payload: Uint8Array): RunRecord | null {
	if (payload.length > RECORD_MAX) return null;
	try {
		return RunRecord.parse(JSON.parse(new TextDecoder().decode(payload)));
	} catch {
		return null;
	}
}
