import type { Reason } from '#domain/run.ts';
import type { RunSpec, Step } from '#protocol/agent.ts';
import type { Home } from './config.ts';
import type { Command } from './executors/contract.ts';
import { Forms } from './mask.ts';
import type { Policy } from './policy.ts';
import { readFromDataRoot, type Scripts, ScriptUnavailable } from './scripts.ts';
import { resolveSecret, SecretFiles, SecretUnavailable } from './secrets.ts';
import { argvOf, realCwd, Workspace, workspacesOf } from './workspace.ts';

/** A run that cannot be started, with the reason the hub shows. */
export class Unstartable extends Error {
	readonly reason: Reason;

	constructor(code: Reason['code'], message: string) {
		super(message);
		this.reason = { code, message: message.slice(0, 500) };
	}
}

/** A run's files and variables, ready to start. */
export interface Prepared {
	commands: Command[];
	cwd: string;
	/** What must not be seen in its log. */
	forms: Forms;
	/** Removes the secrets' files. */
	forgetSecrets(): Promise<void>;
	/** Removes everything else. */
	remove(): Promise<void>;
}

export interface Surroundings {
	home: Home;
	policy: Policy;
	scripts: Scripts;
}

/** Writes a run's scripts and secrets where its processes find them. Throws `Unstartable`, with nothing left behind. */
export async function prepareRun(spec: RunSpec, name: string, mark: string, s: Surroundings): Promise<Prepared> {
	const workspace = await Workspace.create(workspacesOf(s.home, s.policy), name, s.policy.run_as);
	const secrets = new SecretsOfRun(spec.project_id, s);
	try {
		const config = spec.execution.backend === 'local' ? spec.execution.config : {};
		const cwd = config.cwd === undefined ? workspace.dir : await realCwd(config.cwd, s.policy);
		if (cwd === null)
			throw new Unstartable(
				'refused_by_policy',
				`${config.cwd ?? ''} is not under a directory that the agent's policy allows`,
			);
		const env = { ...environment(spec, workspace.dir, mark), ...config.env };
		for (const [variable, ref] of Object.entries(spec.secrets)) env[variable] = await secrets.put(ref);
		const commands: Command[] = [];
		for (const [n, step] of spec.steps.entries()) {
			const { bytes, dir } = await contentOf(step, s);
			const own: Record<string, string> = { ...env };
			if (dir !== null) own['UHUB_SCRIPT_DIR'] = dir;
			if (step.secret !== null) own['UHUB_SECRET_FILE'] = await secrets.put(step.secret);
			commands.push({ name: step.name, argv: argvOf(step, await workspace.put(n + 1, bytes), bytes), env: own });
		}
		return {
			commands,
			cwd,
			forms: new Forms(secrets.values),
			forgetSecrets: () => secrets.remove(),
			remove: () => workspace.remove(),
		};
	} catch (error) {
		await secrets.remove();
		await workspace.remove();
		if (error instanceof SecretUnavailable) throw new Unstartable('secret_unavailable', error.message);
		if (error instanceof ScriptUnavailable) throw new Unstartable('script_missing', error.message);
		throw error;
	}
}

/** The secrets of one run, each in one file however often it is named. */
class SecretsOfRun {
	readonly values: Buffer[] = [];
	readonly #project_id: number;
	readonly #s: Surroundings;
	readonly #paths = new Map<string, string>();
	#files: SecretFiles | null = null;

	constructor(project_id: number, s: Surroundings) {
		this.#project_id = project_id;
		this.#s = s;
	}

	/** Answers the file's path. Throws `SecretUnavailable`. */
	async put(ref: string): Promise<string> {
		const known = this.#paths.get(ref);
		if (known !== undefined) return known;
		const value = await resolveSecret(ref, this.#project_id, this.#s.policy);
		this.#files ??= await SecretFiles.create(this.#s.home.tag, this.#s.policy.run_as);
		const file = await this.#files.put(String(this.#paths.size + 1), value);
		this.values.push(value);
		this.#paths.set(ref, file);
		return file;
	}

	async remove(): Promise<void> {
		await this.#files?.remove();
	}
}

async function contentOf(step: Step, s: Surroundings): Promise<{ bytes: Buffer; dir: string | null }> {
	if (step.tool === 'ansible' || step.tool === 'terraform')
		throw new Unstartable('start_failed', `${step.tool} is not carried out by this version of the agent`);
	if (step.location_type === 'fs_path') return readFromDataRoot(s.policy.scripts.data_root ?? '', step.path);
	const bytes = await s.scripts.get(step.sha256);
	if (!bytes)
		throw new Unstartable('script_missing', `the content of ${step.name} did not arrive, or is not what was promised`);
	return { bytes, dir: null };
}

/** What every command of a run finds in its environment; nothing of the agent's own is passed on. */
function environment(spec: RunSpec, home: string, mark: string): Record<string, string> {
	const env: Record<string, string> = {
		PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
		HOME: home,
		LANG: process.env['LANG'] ?? 'C.UTF-8',
		UHUB_RUN_ID: String(spec.run_id),
		UHUB_RUN_MARK: mark,
		UHUB_JOB_ID: String(spec.job_id),
		UHUB_PROJECT: spec.project,
		UHUB_ENVIRONMENT: spec.environment ?? '',
	};
	for (const [name, value] of Object.entries(spec.parameters)) env[`UHUB_PARAM_${name}`] = value;
	return env;
}
