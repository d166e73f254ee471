import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Reason } from '#domain/run-reason.ts';
import { Stream } from '#protocol/run-frames.ts';
import type { RunRecord } from '#protocol/run-record.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Exit, Output } from '../../executors/contract.ts';
import type { Workspace } from '../../workspace.ts';
import type { Follower } from '../contract.ts';
import { extraVars } from './extra-vars.ts';
import { type Counts, failedIn, RecapReader } from './recap.ts';

type Inventory = NonNullable<RunSpec['inventory']>;
type StepStarted = Extract<RunRecord, { type: 'step_started' }>;
type StepEnded = Extract<RunRecord, { type: 'step_ended' }>;

interface Surroundings {
	workspace: Workspace;
	/** Where the workspace is for the run's processes. */
	seen: string;
	inventory: Inventory & { bytes: Buffer };
	/** Empty where nobody vouches for any host. */
	known_hosts: Buffer;
	/** As the run's processes see it. */
	key: string | null;
}

/** The programs for the playbooks of a run. */
export class Ansible {
	readonly #argv: readonly string[];
	readonly #env: Readonly<Record<string, string>>;

	private constructor(argv: readonly string[], env: Record<string, string>) {
		this.#argv = argv;
		this.#env = env;
	}

	/** Writes down what its playbooks need: inventory, limit, variables, known hosts. */
	static async create(spec: RunSpec, s: Surroundings): Promise<Ansible> {
		const { format, limit, bytes } = s.inventory;
		const put = async (name: string, content: Buffer | string) => {
			await s.workspace.write(name, Buffer.from(content));
			return path.posix.join(s.seen, name);
		};
		const inventory = await put(`.uhub-inventory.${format === 'ini' ? 'ini' : 'yml'}`, bytes);
		const known = await put('.uhub-known_hosts', s.known_hosts);
		const hosts = spec.hosts && `@${await put('.uhub-limit', spec.hosts.map((host) => `${host}\n`).join(''))}`;
		const only = hosts ?? limit;
		const vars = await put('.uhub-vars.yml', extraVars(spec.parameters, spec.parameters_schema ?? null));
		return new Ansible(
			[
				...['-i', inventory, '--extra-vars', `@${vars}`],
				...(only === null ? [] : [`--limit=${only}`]),
				...(spec.check ? ['--check', '--diff'] : []),
				...(s.key === null ? [] : ['--private-key', s.key]),
			],
			{
				// What it says is read along: in its own words, whatever the host's language.
				LC_ALL: 'C.UTF-8',
				ANSIBLE_STDOUT_CALLBACK: 'default',
				ANSIBLE_FORCE_COLOR: 'true',
				ANSIBLE_NOCOWS: 'true',
				ANSIBLE_RETRY_FILES_ENABLED: 'false',
				ANSIBLE_HOME: path.posix.join(s.seen, '.ansible'),
				ANSIBLE_LOCAL_TEMP: path.posix.join(s.seen, '.ansible/tmp'),
				ANSIBLE_INVENTORY_ENABLED: format,
				ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true',
				ANSIBLE_HOST_KEY_CHECKING: 'true',
				ANSIBLE_SSH_COMMON_ARGS: `-o UserKnownHostsFile=${known} -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes`,
			},
		);
	}

	/**
	 * The program for a playbook. `from`: on this host, the directories that may hold settings for it, the nearest first; `seen` says where its
	 * processes see them. `vault`: the file of its vault's password.
	 */
	async command(
		playbook: string,
		args: readonly string[],
		vault: string | null,
		from: readonly { here: string; seen: string }[],
	): Promise<{ argv: [string, ...string[]]; env: Record<string, string> }> {
		const settings = await Promise.all(
			from.map(async ({ here, seen }) =>
				(await stat(path.join(here, 'ansible.cfg')).catch(() => null))?.isFile()
					? path.posix.join(seen, 'ansible.cfg')
					: null,
			),
		);
		const config = settings.find((file) => file !== null);
		const password = vault === null ? [] : ['--vault-password-file', vault];
		return {
			argv: ['ansible-playbook', ...this.#argv, ...password, ...args, playbook],
			env: { ...this.#env, ...(config !== undefined && { ANSIBLE_CONFIG: config }) },
		};
	}
}

/** What reads along what a run says, if any of it is a playbook's. */
export const followerOf = ({ steps }: RunSpec): Follower | null =>
	steps.some(({ tool }) => tool === 'ansible') ? new Recaps() : null;

/** Reads along what playbooks say. */
class Recaps implements Follower {
	/** What the last of them counted. */
	#recap: ReadonlyMap<string, Counts> = new Map();

	/** Each host is a step of its own beside that of the playbook, from when it is come to until the recap. */
	watch(output: Output): Output {
		let reader: RecapReader | null = null;
		const begin = (step: StepStarted): RecapReader =>
			new RecapReader((host) => {
				output.record({ ...step, host });
			});
		return {
			...output,
			write: (stream, bytes) => {
				if (stream === Stream.stdout) reader?.push(bytes);
				return output.write(stream, bytes);
			},
			record: (record) => {
				if (record.type === 'step_started') reader = record.tool === 'ansible' ? begin(record) : null;
				if (record.type !== 'step_ended' || !reader) {
					output.record(record);
					return;
				}
				this.#recap = reader.recap;
				reader = null;
				for (const [host, counts] of this.#recap) output.record(endOf(record.n, host, counts));
				output.record(record.status === 'failed' ? { ...record, reason: this.#reason(record.reason) } : record);
			},
		};
	}

	concluded(exit: Exit): Exit {
		if (exit.kind !== 'exit' || exit.code === 0) return exit;
		const reason = this.#reason(null);
		return reason ? { kind: 'failed', code: exit.code, reason } : exit;
	}

	/** Why a playbook failed: how many of its hosts did, or the only one was not reached. `as`: by its exit code. */
	#reason(as: Reason | null): Reason | null {
		const bad = [...this.#recap].filter(([, counts]) => failedIn(counts));
		const [first] = bad;
		if (!first || (as !== null && as.code !== 'exit_code')) return as;
		if (this.#recap.size === 1) return endOf(1, first[0], first[1]).reason ?? as;
		const words = bad.map(
			([host, counts]) => `${host} (${(counts['unreachable'] ?? 0) > 0 ? 'unreachable' : 'failed'})`,
		);
		const message = `${String(bad.length)} of ${String(this.#recap.size)} hosts failed: ${words.join(', ')}`;
		return { code: 'hosts_failed', message: message.slice(0, 500) };
	}
}

const endOf = (n: number, host: string, counts: Counts): StepEnded => ({
	type: 'step_ended',
	n,
	host,
	status: failedIn(counts) ? 'failed' : 'success',
	exit_code: null,
	reason:
		(counts['unreachable'] ?? 0) > 0 ? { code: 'host_unreachable', message: 'Ansible could not reach it.' } : null,
	counts,
});
