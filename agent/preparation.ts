import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Reason } from '#domain/run-reason.ts';
import { filledArguments } from '#protocol/arguments.ts';
import { deliveryOf, type RunSpec, type Step } from '#protocol/run-spec.ts';
import type { Aside } from './cgroup.ts';
import type { Home } from './config.ts';
import type { Command, Seen } from './executors/contract.ts';
import { type Handed, handedOver } from './handing-over.ts';
import { Forms } from './mask.ts';
import { type GitStep, gitRefusal } from './policy/git.ts';
import type { Policy } from './policy/index.ts';
import { readBelow, type Scripts, ScriptUnavailable } from './scripts.ts';
import { type Checkout, checkOut, GitFailed } from './sources/git.ts';
import { SecretUnavailable } from './own-secret.ts';
import { SecretsOfRun } from './run-secrets.ts';
import { resolveSecret } from './secrets.ts';
import type { Vault } from './vault.ts';
import { Ansible, followerOf } from './tools/ansible/index.ts';
import type { Follower } from './tools/contract.ts';
import { PlanMissing, Terraform } from './tools/terraform.ts';
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
	/** By step: which commit it was fetched at; null where it was not fetched. */
	commits: (string | null)[];
	/** Where a tool follows its programs. */
	follower: Follower | null;
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
	aside: Aside;
}

/** Writes a run's scripts and secrets where its processes find them. Throws `Unstartable`, with nothing left behind. */
export async function prepareRun(
	spec: RunSpec,
	name: string,
	mark: string,
	seen: Seen | null,
	s: Surroundings,
	stopped: AbortSignal,
	now: number,
): Promise<Prepared> {
	const workspace = await Workspace.create(workspacesOf(s.home, s.policy), name, s.policy.run_as);
	const secrets = new SecretsOfRun(spec.project_id, seen, s);
	const dir = seen?.dir ?? workspace.dir;
	const checkouts = new Checkouts(spec.project_id, workspace.dir, s, stopped);
	try {
		const config = spec.execution.backend === 'local' ? spec.execution.config : {};
		const cwd = config.cwd === undefined ? dir : await realCwd(config.cwd, s.policy);
		if (cwd === null)
			throw new Unstartable(
				'refused_by_policy',
				`${config.cwd ?? ''} is not under a directory that the agent's policy allows`,
			);
		const env = { ...(seen ? {} : ofThisHost()), ...environment(spec, dir, mark), ...envOf(spec.execution) };
		for (const [variable, ref] of Object.entries(spec.secrets)) env[variable] = await secrets.put(ref);
		const handed = await handOut(spec, secrets, env);
		const commands: Command[] = [];
		const commits: Prepared['commits'] = [];
		const ansible = spec.steps.some(({ tool }) => tool === 'ansible')
			? await ansibleOf(spec, workspace, dir, secrets, s)
			: null;
		let follower: Follower | null = followerOf(spec);
		for (const [n, step] of spec.steps.entries()) {
			if (step.tool === 'terraform') {
				const terraform = new Terraform(spec, workspace.dir, s);
				follower = terraform;
				const { command, commit } = await terraformCommand(terraform, step, spec, workspace, s, checkouts, now);
				if (step.secret !== null) command.env['UHUB_SECRET_FILE'] = await secrets.put(step.secret);
				commands.push({ name: step.name, tool: step.tool, argv: command.argv, env: { ...env, ...command.env } });
				commits.push(commit);
				continue;
			}
			const { bytes, place, commit } = await contentOf(step, s, checkouts);
			// What was fetched lies in the run's directory, which its processes may see elsewhere.
			const there = (file: string) =>
				commit === null ? file : path.posix.join(dir, path.relative(workspace.dir, file));
			const own: Record<string, string> = { ...env };
			if (place && (commit !== null || !seen)) own['UHUB_SCRIPT_DIR'] = there(place.dir);
			if (step.secret !== null) own['UHUB_SECRET_FILE'] = await secrets.put(step.secret);
			commits.push(commit);
			if (ansible && step.tool === 'ansible') {
				if (place && commit === null && seen)
					throw new Unstartable(
						'start_failed',
						'a playbook under the data root needs what lies beside it, which a container does not see: upload it, or fetch it from a repository',
					);
				const playbook = place ? place.file : await workspace.write(`.uhub-step-${String(n + 1)}.yml`, bytes);
				const from = place ? [place.dir, place.root].map((here) => ({ here, seen: there(here) })) : [];
				const made = await ansible.command(
					place ? there(playbook) : path.posix.join(dir, path.basename(playbook)),
					argumentsOf(spec),
					own['UHUB_SECRET_FILE'] ?? null,
					from,
				);
				commands.push({ name: step.name, tool: step.tool, argv: made.argv, env: { ...own, ...made.env } });
				continue;
			}
			const file = path.posix.join(dir, path.basename(await workspace.put(n + 1, bytes)));
			const argv = argvOf(step, file, bytes);
			commands.push({ name: step.name, tool: step.tool, argv: [...argv, ...argumentsOf(spec)], env: own });
		}
		return {
			commands: commands.map((command) => ({ ...command, argv: handedOver(command.argv, handed) })),
			dir: workspace.dir,
			secrets: secrets.dir,
			cwd,
			forms: new Forms(secrets.values),
			commits,
			follower,
			forgetSecrets: () => secrets.remove(),
			remove: () => workspace.remove(),
		};
	} catch (error) {
		await secrets.remove();
		await workspace.remove();
		if (error instanceof SecretUnavailable) throw new Unstartable('secret_unavailable', error.message);
		if (error instanceof ScriptUnavailable) throw new Unstartable('script_missing', error.message);
		if (error instanceof PlanMissing) throw new Unstartable('plan_missing', error.message);
		if (error instanceof GitFailed) throw new Unstartable('git_failed', error.message);
		throw error;
	}
}

/** Puts the secret parameters where they are to be found; answers those that are handed over otherwise than by a file's path. */
async function handOut(spec: RunSpec, secrets: SecretsOfRun, env: Record<string, string>): Promise<Handed> {
	const variables = new Map<string, string>();
	let stdin: string | null = null;
	for (const [parameter, ref] of Object.entries(spec.secret_parameters ?? {})) {
		const deliver = deliveryOf(spec, parameter);
		if (deliver.as === 'env') variables.set(deliver.variable, await secrets.putText(ref));
		else if (deliver.as === 'stdin') stdin = await secrets.put(ref);
		else env[`UHUB_PARAM_${parameter}_FILE`] = await secrets.put(ref);
	}
	return { stdin, variables };
}

interface Content {
	bytes: Buffer;
	/** Where it really lies, beside what belongs to it, and below what; null: nowhere. */
	place: { file: string; dir: string; root: string } | null;
	commit: string | null;
}

async function contentOf(step: Step, s: Surroundings, checkouts: Checkouts): Promise<Content> {
	if (step.location_type === 'git') {
		const { dir, commit } = await checkouts.of(step);
		const { bytes, ...place } = await readBelow(dir, step.path, 'the repository');
		return { bytes, place, commit };
	}
	if (step.location_type === 'fs_path') {
		const { bytes, ...place } = await readBelow(s.policy.scripts.data_root ?? '', step.path, 'the data root');
		return { bytes, place, commit: null };
	}
	const bytes = await s.scripts.get(step.sha256);
	if (!bytes)
		throw new Unstartable('script_missing', `the content of ${step.name} did not arrive, or is not what was promised`);
	return { bytes, place: null, commit: null };
}

/** What the playbooks of a run need beside themselves. */
async function ansibleOf(
	spec: RunSpec,
	workspace: Workspace,
	seen: string,
	secrets: SecretsOfRun,
	s: Surroundings,
): Promise<Ansible> {
	const { inventory } = spec;
	const bytes = inventory && (await s.scripts.get(inventory.sha256));
	if (!inventory || !bytes)
		throw new Unstartable('inventory_missing', 'the inventory did not arrive, or is not what was promised');
	const key = inventory.key_ref === null ? null : await secrets.putKey(inventory.key_ref);
	const file = s.policy.ssh?.known_hosts;
	const known_hosts = file === undefined ? Buffer.alloc(0) : await readFile(file).catch(() => null);
	if (!known_hosts) throw new Unstartable('host_key_unknown', `${file ?? ''} cannot be read on the agent`);
	return Ansible.create(spec, { workspace, seen, inventory: { ...inventory, bytes }, known_hosts, key });
}

/** A plan is applied from the very commit it was made of. */
async function terraformCommand(
	terraform: Terraform,
	step: Step,
	spec: RunSpec,
	workspace: Workspace,
	s: Surroundings,
	checkouts: Checkouts,
	now: number,
) {
	if (spec.execution.backend !== 'local' || spec.steps.length !== 1)
		throw new Unstartable('start_failed', 'terraform is carried out by the backend local, and by itself in its job');
	const plan = await terraform.planToApply(now);
	const at = step.location_type === 'git' && plan?.commit ? { ...step, revision: plan.commit } : step;
	const { bytes, place, commit } = await contentOf(at, s, checkouts);
	const config = place?.dir ?? (await workspace.directory('.uhub-terraform', 'main.tf', bytes));
	const { argv, env } = await terraform.command(config, commit);
	const all: [string, ...string[]] = [...argv, ...argumentsOf(spec)];
	return { command: { argv: all, env }, commit };
}

/** The repositories of one run, each state of one fetched once however many scripts are in it. */
class Checkouts {
	readonly #project_id: number;
	readonly #into: string;
	readonly #s: Surroundings;
	readonly #stopped: AbortSignal;
	readonly #done = new Map<string, Checkout>();

	constructor(project_id: number, into: string, s: Surroundings, stopped: AbortSignal) {
		this.#project_id = project_id;
		this.#into = into;
		this.#s = s;
		this.#stopped = stopped;
	}

	/** Throws `GitFailed` or `SecretUnavailable`. */
	async of(step: GitStep): Promise<Checkout> {
		const { url, revision, credentials: ref } = step;
		const key = JSON.stringify([url, revision, ref]);
		const done = this.#done.get(key);
		if (done) return done;
		const { policy, vault, home, aside } = this.#s;
		const refusal = gitRefusal(step, policy.git);
		if (refusal !== null || policy.git === null)
			throw new Unstartable('refused_by_policy', `The agent's policy ${refusal ?? ''}.`);
		const credentials = ref === null ? null : await resolveSecret(ref, this.#project_id, policy, vault);
		const into = path.join(this.#into, `.uhub-source-${String(this.#done.size + 1)}`);
		const around = { tag: home.tag, git: policy.git, owner: policy.run_as, stopped: this.#stopped, aside };
		const made = await checkOut(step, credentials, into, around);
		this.#done.set(key, made);
		return made;
	}
}

/** Where programs are found on this host, and how it speaks. */
const ofThisHost = (): Record<string, string> => ({
	PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
	LANG: process.env['LANG'] ?? 'C.UTF-8',
});

/** What every command of a run finds in its environment; nothing else of the agent's own is passed on. */
function environment(spec: RunSpec, home: string, mark: string): Record<string, string> {
	const env: Record<string, string> = {
		HOME: home,
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
const argumentsOf = (spec: RunSpec): string[] => filledArguments(spec).map(({ text }) => text);
