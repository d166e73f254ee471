import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { Signature } from '#domain/job-signature.ts';
import { canonical, signedText, type Template } from '#protocol/run-spec.ts';
import { parseJson } from '../config.ts';
import { codeOf, Failure } from '../failure.ts';
import { Key } from '../key.ts';

const TEMPLATE_MAX = 4 * 1_048_576;

/** What `GET /api/jobs/{id}/template` answers, as far as it is signed and said. */
const ToSign = z.looseObject({
	hub: z
		.string()
		.max(512)
		.regex(/^[^\n]+$/),
	serial: z.int().min(1),
	template: z.looseObject({
		v: z.literal(1),
		project_id: z.int(),
		job_id: z.int(),
		environment: z.string().nullable(),
		execution: z.looseObject({ backend: z.string() }),
		steps: z.array(z.looseObject({ name: z.string(), tool: z.string() })),
		secrets: z.record(z.string(), z.string()),
		timeout_s: z.int(),
	}),
});

export interface SignOptions {
	key: string;
	newKey: boolean;
	/** `-`: standard input. */
	file: string | undefined;
	/** Seconds; undefined: for ever. */
	days: string | undefined;
}

/** Signs what a hub says a job is. What is signed is said in words on standard error; the signature goes to standard output. */
export async function sign({ key: file, newKey, file: from, days }: SignOptions): Promise<void> {
	if (newKey) {
		const key = Key.generate();
		try {
			await writeFile(file, key.pem(), { mode: 0o600, flag: 'wx' });
		} catch (error) {
			throw new Failure(`The key cannot be written to ${file}: ${codeOf(error)}.`);
		}
		console.log(key.public_key);
		console.error(
			`The private key is in ${file}. Name the public one in the policy of your agents: signatures: { keys: [${key.public_key}] }`,
		);
		return;
	}
	const key = await Key.read(file);
	const asked = ToSign.safeParse(parseJson(await read(from ?? '-')));
	if (!asked.success) throw new Failure(`This is not a job's template:\n${z.prettifyError(asked.error)}`);
	const { hub, serial, template } = asked.data;
	const not_after = days === undefined ? null : end(days);
	// The keys are all signed, known here or not: the agent makes its own template and compares.
	const signed = signedText({ hub, serial, not_after, template: template as unknown as Template });
	console.error(said(hub, serial, not_after, template).join('\n'));
	const signature = { key: key.public_key, value: key.sign(Buffer.from(signed)), serial, not_after };
	console.log(JSON.stringify(Signature.parse(signature)));
}

function said(hub: string, serial: number, not_after: string | null, t: z.infer<typeof ToSign>['template']): string[] {
	return [
		`For ${hub}, job ${String(t.job_id)} of project ${String(t.project_id)}, environment ${t.environment ?? 'none'}; number ${String(serial)}, good ${not_after === null ? 'until another is made' : `until ${not_after}`}:`,
		`  runs by ${t.execution.backend} ${canonical(t.execution['config'] ?? {})}, at most ${String(t.timeout_s)} s`,
		...t.steps.map(
			({ name, tool, ...rest }, n) => `  ${String(n + 1)}. ${tool} ${JSON.stringify(name)} ${canonical(rest)}`,
		),
		`  arguments ${canonical(t['arguments'] ?? [])}, parameters ${canonical(t['parameters_schema'] ?? null)}`,
		`  secrets ${canonical(t.secrets)}, inventory ${canonical(t['inventory'] ?? null)}`,
	];
}

function end(days: string): string {
	const count = Number(days);
	if (!Number.isInteger(count) || count < 1 || count > 3650)
		throw new Failure('--days takes a whole number from 1 to 3650.');
	return new Date(Date.now() + count * 86_400_000).toISOString();
}

async function read(file: string): Promise<string> {
	try {
		const all = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
		if (all.length > TEMPLATE_MAX) throw new Failure('The template is larger than 4 MiB.');
		return all;
	} catch (error) {
		if (error instanceof Failure) throw error;
		throw new Failure(`Cannot read ${file}: ${codeOf(error)}.`);
	}
}
