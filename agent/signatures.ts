import { createPublicKey, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Id } from '#domain/common.ts';
import type { Reason } from '#domain/run-reason.ts';
import { type RunSpec, signedText, templateOf } from '#protocol/run-spec.ts';
import { parseJson } from './config.ts';
import { codeOf, Failure } from './failure.ts';
import { writeWhole } from './files.ts';
import type { SignaturePolicy } from './policy/signatures.ts';

/** Runs that are remembered to have been started; one that is older than all of these counts as started. */
const RUNS_MAX = 2_000;

const Kept = z.strictObject({
	/** The highest serial number seen, by project, job and environment. */
	serials: z.record(z.string(), z.int().min(1)),
	runs: z.array(Id),
	/** Runs up to this one are not remembered one by one any more. */
	before: z.int().min(0),
});

const jobOf = ({ project_id, job_id, environment }: RunSpec): string =>
	JSON.stringify([project_id, job_id, environment]);

/** What was started here by a signature, so that no signature does so again. It outlives the agent's process. */
export class Ledger {
	readonly #file: string;
	readonly #kept: z.infer<typeof Kept>;
	readonly #runs: Set<number>;
	#writing: Promise<void> = Promise.resolve();

	private constructor(file: string, kept: z.infer<typeof Kept>) {
		this.#file = file;
		this.#kept = kept;
		this.#runs = new Set(kept.runs);
	}

	/** Throws `Failure` where it is damaged: without it a replay could not be told. */
	static async open(file: string): Promise<Ledger> {
		let text: string;
		try {
			text = await readFile(file, 'utf8');
		} catch (error) {
			if (codeOf(error) === 'ENOENT') return new Ledger(file, { serials: {}, runs: [], before: 0 });
			throw new Failure(`Cannot read ${file}: ${codeOf(error)}.`);
		}
		const kept = Kept.safeParse(parseJson(text));
		if (!kept.success)
			throw new Failure(
				`${file} is damaged. Jobs must be signed anew after it is removed: old signatures could be replayed.`,
			);
		return new Ledger(file, kept.data);
	}

	/** Whether it was started before, or something newer was signed since. */
	replayed(spec: RunSpec, serial: number): boolean {
		const { run_id } = spec;
		return run_id <= this.#kept.before || this.#runs.has(run_id) || serial < (this.#kept.serials[jobOf(spec)] ?? 0);
	}

	/** Resolves when it is on the disk that the run is started. */
	started(spec: RunSpec): Promise<void> {
		if (!spec.signature) return Promise.resolve();
		const job = jobOf(spec);
		this.#kept.serials[job] = Math.max(spec.signature.serial, this.#kept.serials[job] ?? 0);
		this.#runs.add(spec.run_id);
		while (this.#runs.size > RUNS_MAX) {
			const oldest = Math.min(...this.#runs);
			this.#runs.delete(oldest);
			this.#kept.before = oldest;
		}
		const text = JSON.stringify({ ...this.#kept, runs: [...this.#runs] });
		const written = this.#writing.catch(() => undefined).then(() => writeWhole(this.#file, text));
		this.#writing = written;
		return written;
	}
}

/** Why the run may not be started for want of a signature; null where nothing is wrong. The template is made of the very spec that would run. */
export function signatureRefusal(
	spec: RunSpec,
	policy: SignaturePolicy | null,
	hub: string,
	ledger: Ledger,
	now: number,
): Reason | null {
	if (!policy) return null;
	const { signature } = spec;
	if (!signature)
		return policy.required
			? { code: 'unsigned', message: 'The agent takes only jobs that are signed, and this one is not (signatures).' }
			: null;
	const { key, value, serial, not_after } = signature;
	if (!policy.keys.includes(key))
		return {
			code: 'bad_signature',
			message: "The agent's policy does not name the key it is signed with (signatures.keys).",
		};
	const text = signedText({ hub, serial, not_after, template: templateOf(spec) });
	if (!verify(null, Buffer.from(text), publicKey(key), Buffer.from(value, 'base64url')))
		return { code: 'bad_signature', message: 'What would run is not what was signed, for this hub.' };
	// Ansible and terraform take whatever they are given: what no schema names was not signed.
	if (!spec.parameters_schema && Object.keys({ ...spec.parameters, ...spec.secret_parameters }).length > 0)
		return {
			code: 'bad_signature',
			message: 'It has parameters, and the job that was signed describes none: describe them, and sign it again.',
		};
	if (not_after !== null && Date.parse(not_after) <= now)
		return { code: 'signature_expired', message: `The signature was good until ${not_after}.` };
	return ledger.replayed(spec, serial)
		? { code: 'replayed', message: 'It was started here before, or something newer was signed since.' }
		: null;
}

const publicKey = (raw: string) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw }, format: 'jwk' });
