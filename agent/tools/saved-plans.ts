import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Id, Sha256 } from '#domain/common.ts';
import { Commit } from '#domain/run-step.ts';
import { parseJson } from '../config.ts';
import { writeWhole } from '../files.ts';
import type { TerraformPolicy } from '../policy/terraform.ts';

const DAY_MS = 86_400_000;

/** Whose plan it is: it is applied for the same job in the same environment only. */
export const PlanOf = z.strictObject({
	project_id: Id,
	job_id: Id,
	environment: z.string().nullable(),
	/** Of the repository it was made from. */
	commit: Commit.nullable(),
});
export type PlanOf = z.infer<typeof PlanOf>;

/** Saved plans by their hash, with whose they are. They hold secrets in the clear, so they never leave the agent. */
export class SavedPlans {
	readonly #dir: string;
	readonly #policy: TerraformPolicy;

	constructor(dir: string, policy: TerraformPolicy) {
		this.#dir = dir;
		this.#policy = policy;
	}

	/** Answers its hash. */
	async keep(bytes: Buffer, of: PlanOf, now: number): Promise<string> {
		await mkdir(this.#dir, { recursive: true, mode: 0o700 });
		await this.#forgetOld(now, this.#policy.plans_mib * 1_048_576 - bytes.length);
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		await writeWhole(path.join(this.#dir, `${sha256}.json`), JSON.stringify(of));
		await writeWhole(path.join(this.#dir, sha256), bytes);
		return sha256;
	}

	/** Null where it is not, or no longer, there, or not what its name says. */
	async get(sha256: string, now: number): Promise<{ bytes: Buffer; of: PlanOf } | null> {
		if (!Sha256.safeParse(sha256).success) return null;
		await this.#forgetOld(now, this.#policy.plans_mib * 1_048_576);
		const file = path.join(this.#dir, sha256);
		const bytes = await readFile(file).catch(() => null);
		const of = PlanOf.safeParse(parseJson(await readFile(`${file}.json`, 'utf8').catch(() => '')));
		if (!bytes || !of.success || createHash('sha256').update(bytes).digest('hex') !== sha256) return null;
		return { bytes, of: of.data };
	}

	async #forgetOld(now: number, room: number): Promise<void> {
		const names = (await readdir(this.#dir).catch(() => [])).filter((name) => Sha256.safeParse(name).success);
		const found = await Promise.all(
			names.map(async (name) => {
				const { size, mtimeMs } = await stat(path.join(this.#dir, name));
				return { name, size, mtimeMs };
			}),
		);
		let total = found.reduce((sum, { size }) => sum + size, 0);
		for (const { name, size, mtimeMs } of found.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
			if (total <= room && now - mtimeMs < this.#policy.plan_days * DAY_MS) continue;
			await Promise.all([name, `${name}.json`].map((one) => rm(path.join(this.#dir, one), { force: true })));
			total -= size;
		}
	}
}

/** What a run's own processes wrote: a plain file, and no link to somebody else's. Null for what is none, or too large. */
export async function readPlain(file: string, max: number): Promise<Buffer | null> {
	const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
	if (!handle) return null;
	try {
		const found = await handle.stat();
		return found.isFile() && found.nlink === 1 && found.size <= max ? await handle.readFile() : null;
	} finally {
		await handle.close();
	}
}
