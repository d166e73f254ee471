import { createHash } from 'node:crypto';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NotAPlan, parsePlan } from '#domain/terraform/parse.ts';
import type { PlanArtifact } from '#domain/terraform.ts';
import { PLAN_MAX } from '#domain/terraform.ts';
import { ARTIFACT_MAX, artifactRecords } from '#protocol/run-record.ts';
import { Stream } from '#protocol/run-frames.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Home } from '../config.ts';
import type { Exit, Output } from '../executors/contract.ts';
import { type Forms, Masker } from '../mask.ts';
import type { Policy } from '../policy/index.ts';
import type { Follower } from './contract.ts';
import { type PlanOf, readPlain, SavedPlans } from './saved-plans.ts';

const SAVED_MAX = 64 * 1_048_576;

/** Read by the shell as it stands: everything of the run's comes in variables and arguments. */
const SCRIPT = `umask 077
cd "$UHUB_TF_DIR" || exit 1
terraform init -input=false -no-color || exit
if [ -n "$UHUB_TF_APPLY" ]; then
	exec terraform apply -input=false -no-color -lock-timeout=300s -state="$UHUB_TF_STATE" "$UHUB_TF_APPLY"
fi
terraform plan "$@" -input=false -no-color -lock-timeout=300s -state="$UHUB_TF_STATE" -out="$UHUB_TF_PLAN" || exit
exec terraform show -json "$UHUB_TF_PLAN" > "$UHUB_TF_PLAN.json"
`;

/** The plan that is to be applied is not, or no longer, here. */
export class PlanMissing extends Error {}

interface Surroundings {
	home: Home;
	policy: Policy;
}

/** Where the state of a job in an environment is kept between its runs, where its configuration names no other place. */
const stateOf = (spec: RunSpec, { home, policy }: Surroundings): { base: string; dir: string } => {
	const environment = createHash('sha256')
		.update(spec.environment ?? '')
		.digest('hex')
		.slice(0, 12);
	const base =
		policy.run_as && policy.workspaces !== null ? path.join(policy.workspaces, `uhub-${home.tag}-state`) : home.state;
	return { base, dir: path.join(base, `${String(spec.project_id)}-${String(spec.job_id)}-${environment}`) };
};

/** One run of terraform: it makes a plan, which stays here, or applies one that was made before. */
export class Terraform implements Follower {
	readonly #spec: RunSpec;
	readonly #s: Surroundings;
	readonly #plans: SavedPlans;
	readonly #work: string;
	#commit: string | null = null;
	#stale = false;

	constructor(spec: RunSpec, work: string, s: Surroundings) {
		this.#spec = spec;
		this.#s = s;
		this.#work = work;
		this.#plans = new SavedPlans(s.home.plans, s.policy.terraform);
	}

	get #plan(): string {
		return path.join(this.#work, '.uhub-plan');
	}

	/** For a plan that is to be applied: whose it is. Throws `PlanMissing`. */
	async planToApply(now: number): Promise<PlanOf | null> {
		const { apply_plan, project_id, job_id, environment } = this.#spec;
		if (apply_plan === undefined) return null;
		const found = await this.#plans.get(apply_plan, now);
		if (!found) throw new PlanMissing('the agent has not, or no longer, the plan that is to be applied');
		const { of, bytes } = found;
		if (of.project_id !== project_id || of.job_id !== job_id || of.environment !== environment)
			throw new PlanMissing('the plan was made for another job or environment');
		await this.#put(this.#plan, bytes);
		return of;
	}

	/** The program that carries it out. `config`: the directory that holds the configuration. */
	async command(
		config: string,
		commit: string | null,
	): Promise<{ argv: [string, ...string[]]; env: Record<string, string> }> {
		this.#commit = commit;
		const { base, dir } = stateOf(this.#spec, this.#s);
		const { run_as } = this.#s.policy;
		await mkdir(base, { recursive: true, mode: run_as ? 0o711 : 0o700 });
		await mkdir(dir, { recursive: true, mode: 0o700 });
		if (run_as) await chown(dir, run_as.uid, run_as.gid);
		const script = path.join(this.#work, '.uhub-terraform.sh');
		await this.#put(script, Buffer.from(SCRIPT));
		const values = Object.entries(this.#spec.parameters).map(([name, value]) => [`TF_VAR_${name}`, value]);
		return {
			argv: ['/bin/sh', script],
			env: {
				TF_IN_AUTOMATION: '1',
				TF_INPUT: '0',
				CHECKPOINT_DISABLE: '1',
				TF_DATA_DIR: path.join(this.#work, '.uhub-terraform-data'),
				UHUB_TF_DIR: config,
				UHUB_TF_STATE: path.join(dir, 'terraform.tfstate'),
				UHUB_TF_PLAN: this.#plan,
				UHUB_TF_APPLY: this.#spec.apply_plan === undefined ? '' : this.#plan,
				...(Object.fromEntries(values) as Record<string, string>),
			},
		};
	}

	/** Sees what it says on its way to the log: that a plan is stale is told by words alone. */
	watch(output: Output): Output {
		let tail = '';
		return {
			...output,
			write: (stream, bytes) => {
				const text = tail + bytes.toString('latin1');
				this.#stale ||= text.includes('Saved plan is stale');
				tail = text.slice(-20);
				return output.write(stream, bytes);
			},
		};
	}

	/** It is over: what it planned is kept, and told; why it could not be applied is made a reason. */
	async concluded(exit: Exit, output: Output, forms: Forms, now: number): Promise<Exit> {
		if (exit.kind !== 'exit') return exit;
		if (this.#spec.apply_plan !== undefined)
			return exit.code !== 0 && this.#stale
				? {
						kind: 'failed',
						code: exit.code,
						reason: { code: 'plan_stale', message: 'The state has changed since the plan was made: plan again.' },
					}
				: exit;
		if (exit.code !== 0) return exit;
		const [saved, shown] = await Promise.all([
			readPlain(this.#plan, SAVED_MAX),
			readPlain(`${this.#plan}.json`, PLAN_MAX),
		]);
		if (!saved || !shown) {
			output.note(Stream.stderr, 'uhub: the plan is too large to be kept and shown, so it cannot be applied from here');
			return exit;
		}
		try {
			const { project_id, job_id, environment } = this.#spec;
			const parsed = parsePlan(shown.toString());
			const plan_sha256 = await this.#plans.keep(saved, { project_id, job_id, environment, commit: this.#commit }, now);
			for (const record of artifactRecords(this.#artifact({ plan_sha256, ...parsed }, forms))) output.record(record);
		} catch (error) {
			if (!(error instanceof NotAPlan)) throw error;
			output.note(Stream.stderr, `uhub: the plan ${error.message}, so it cannot be applied from here`);
		}
		return exit;
	}

	/** As it is told: without the run's secrets, and no larger than it can be told. */
	#artifact(artifact: PlanArtifact, forms: Forms): Uint8Array {
		for (const one of [artifact, { ...artifact, diff: { resource_changes: [], output_changes: [] } }]) {
			const masker = new Masker(forms);
			const bytes = Buffer.concat([masker.push(Buffer.from(JSON.stringify(one))), masker.end()]);
			if (bytes.length <= ARTIFACT_MAX) return bytes;
		}
		throw new NotAPlan('changes more than can be shown');
	}

	async #put(file: string, bytes: Buffer): Promise<void> {
		await writeFile(file, bytes, { mode: 0o600, flag: 'wx' });
		const { run_as } = this.#s.policy;
		if (run_as) await chown(file, run_as.uid, run_as.gid);
	}
}
