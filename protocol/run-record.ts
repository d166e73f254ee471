import { z } from 'zod';
import { Reason } from '#domain/run-reason.ts';
import { Commit, ImageUsed, StepStatus } from '#domain/run-step.ts';
import { Tool } from '#domain/tool.ts';

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
		/** Of the container it runs in. */
		image: ImageUsed.optional(),
	}),
	z.strictObject({
		type: z.literal('step_ended'),
		...step,
		status: StepStatus.exclude(['running']),
		exit_code: z.int().nullable(),
		reason: Reason.nullable(),
		counts: z.record(z.string().max(40), z.int().min(0)).nullable(),
	}),
	/** A part of something that was made, too long for one record: a terraform plan's changes, without sensitive values. */
	z.strictObject({
		type: z.literal('artifact'),
		what: z.literal('terraform_plan'),
		part: z.int().min(1).max(1_000),
		parts: z.int().min(1).max(1_000),
		/** base64. */
		data: z.string().max(7_300),
	}),
]);
export type RunRecord = z.infer<typeof RunRecord>;
export type ArtifactPart = Extract<RunRecord, { type: 'artifact' }>;

/** What an artifact may come to, in bytes. */
export const ARTIFACT_MAX = 1_048_576;
const PART_BYTES = 5_400;
const PARTS_MAX = Math.ceil(ARTIFACT_MAX / PART_BYTES);

/** The records that tell of an artifact: JSON of at most `ARTIFACT_MAX` bytes. */
export function artifactRecords(bytes: Uint8Array): ArtifactPart[] {
	const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
	return Array.from({ length: parts }, (_, n) => ({
		type: 'artifact',
		what: 'terraform_plan',
		part: n + 1,
		parts,
		data: toBase64(bytes.subarray(n * PART_BYTES, (n + 1) * PART_BYTES)),
	}));
}

/** The text that all its parts in their order are; null where they are not all of one. */
export function artifactText(records: readonly ArtifactPart[]): string | null {
	if (records.length > PARTS_MAX || records.some((r, n) => r.part !== n + 1 || r.parts !== records.length)) return null;
	try {
		return new TextDecoder().decode(Uint8Array.from(records.flatMap((r) => [...fromBase64(r.data)])));
	} catch {
		return null;
	}
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

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
