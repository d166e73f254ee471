import { z } from 'zod';
import { Time } from './common.ts';
import { Reason } from './run-reason.ts';
import { Tool } from './tool.ts';

/** Steps and hosts of one run together: what its row can hold and its page can show. */
export const RUN_STEPS_MAX = 1_000;

export const StepStatus = z.enum(['running', 'success', 'failed', 'canceled', 'skipped', 'lost']);
export type StepStatus = z.infer<typeof StepStatus>;

/** Of git, by its whole name. */
export const Commit = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

/** A container's image, with what it holds: `registry.example/team/tool:1.2@sha256:…`. */
export const ImageUsed = z.string().max(700);

/** One script of a run, on one host where there are several. */
export const RunStep = z.object({
	/** Which script, from 1 on. */
	n: z.int().min(1).max(20),
	name: z.string().max(200),
	tool: Tool,
	host: z.string().max(253).nullable(),
	/** Which one its script is of, where it was fetched from a repository. */
	commit: Commit.optional(),
	/** Of the container it ran in. */
	image: ImageUsed.optional(),
	status: StepStatus,
	exit_code: z.int().nullable(),
	reason: Reason.nullable(),
	started_at: Time,
	finished_at: Time.nullable(),
	/** Where the log stood when it began and when it ended, in bytes. */
	from: z.int().min(0),
	to: z.int().min(0).nullable(),
	/** Its first line, and its last once it is over; one less where it said nothing. */
	from_line: z.int().min(1),
	to_line: z.int().min(0).nullable(),
	/** What a tool counted, as ansible's recap of a host: ok, changed, failed… */
	counts: z.record(z.string().max(40), z.int().min(0)).nullable(),
});
export type RunStep = z.infer<typeof RunStep>;
