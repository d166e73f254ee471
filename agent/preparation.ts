import path from 'node:path';
import type { Reason } from '#domain/run-reason.ts';
import type { RunSpec, Step } from '#protocol/run-spec.ts';
import type { Home } from './config.ts';
import type { Command, Seen } from './executors/contract.ts';
import { Forms } from './mask.ts';
import type { Policy } from './policy.ts';
import { readFromDataRoot, type Scripts, ScriptUnavailable } from './scripts.ts';
import { SecretUnavailable } from './own-secret.ts';
import { resolveSecret, SecretFiles } from './secrets.ts';
import type { Vault } from './vault.ts';
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
	/** On this host; the secrets' is null where there are none. */
	dir: string;
	secrets: string | null;
	/** As the run's processes see it. */
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
	/** Where `vault:` references are looked up; null: nowhere. */
	vault: Vault | null;
}

/** Writes a run's scripts and secrets where its processes find them. Throws `Unstartable`, with nothing left behind. */
export async function prepareRun(
	spec: RunSpec,
	name: string,
	mark: string,
	seen: Seen | null,
	s: Surroundings,
): Promise<Prepared> {
	const workspace = await Workspace.create(workspacesOf(s.home, s.policy), name, s.policy.run_as);
	const secrets = new SecretsOfRun(spec.project_id, seen, s);
	const dir = seen?.dir ?? workspace.dir;
	try {
		const config = spec.execution.backend === 'local' ? spec.execution.config : {};
		const cwd = config.cwd === undefined ? dir : await realCwd(config.cwd, s.policy);
		if (cwd === null)
			throw new Unstartable(
				'refused_by_policy',
				`${config.cwd ?? ''} is not under a directory that the agent's policy allows`,
			);
		const env = { ...environment(spec, dir, mark), ...envOf(spec.execution) };
		for (const [variable, ref] of Object.entries(spec.secrets)) env[variable] = await secrets.put(ref);
		for (const [parameter, ref] of Object.entries(spec.secret_parameters ?? {}))
			env[`UHUB_PARAM_${parameter}_FILE`] = await secrets.put(ref);
		const commands: Command[] = [];
		for (const [n, step] of spec.steps.entries()) {
			const { bytes, dir: from } = await contentOf(step, s);
			const own: Record<string, string> = { ...env };
			if (from !== null) own['UHUB_SCRIPT_DIR'] = from;
			if (step.secret !== null) own['UHUB_SECRET_FILE'] = await secrets.put(step.secret);
			const file = path.posix.join(dir, path.basename(await workspace.put(n + 1, bytes)));
			const argv = argvOf(step, file, bytes);
			commands.push({ name: step.name, tool: step.tool, argv: [...argv, ...argumentsOf(spec)], env: own });
		}
		return {
			commands,
			dir: workspace.dir,
			secrets: secrets.dir,
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
	readonly #seen: Seen | null;
	readonly #s: Surroundings;
	readonly #paths = new Map<string, string>();
	#files: SecretFiles | null = null;

	constructor(project_id: number, seen: Seen | null, s: Surroundings) {
		this.#project_id = project_id;
		this.#seen = seen;
		this.#s = s;
	}

	/** Where they lie on this host. */
	get dir(): string | null {
		return this.#files?.dir ?? null;
	}

	/** Answers the file's path as the run's processes see it. Throws `SecretUnavailable`. */
	async put(ref: string): Promise<string> {
		const known = this.#paths.get(ref);
		if (known !== undefined) return known;
		const value = await resolveSecret(ref, this.#project_id, this.#s.policy, this.#s.vault);
		this.#files ??= await SecretFiles.create(this.#s.home.tag, this.#s.policy.run_as);
		const name = String(this.#paths.size + 1);
		const here = await this.#files.put(name, value);
		const file = this.#seen ? path.posix.join(this.#seen.secrets, name) : here;
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
	if (step.location_type === 'git')
		throw new Unstartable('git_failed', 'repositories are not fetched from by this version of the agent');
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

/** Variables that the backend's configuration sets. */
const envOf = (execution: RunSpec['execution']): Record<string, string> =>
	'env' in execution.config && execution.config.env ? execution.config.env : {};

/** The job's arguments, with the values of this run. */
const argumentsOf = (spec: RunSpec): string[] =>
	(spec.arguments ?? []).map((text) =>
		text.replace(/\{\{([A-Za-z_][A-Za-z0-9_]{0,63})\}\}/g, (_, name: string) => {
			const value = Object.hasOwn(spec.parameters, name) ? spec.parameters[name] : undefined;
			return value ?? '';
		}),
	);
