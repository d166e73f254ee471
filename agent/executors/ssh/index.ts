import type { TargetHost } from '#domain/target.ts';
import type { SshPolicy } from '../../policy/ssh.ts';
import type { Handle } from '../../journal.ts';
import {
	type Execution,
	type Executor,
	type Exit,
	type Left,
	NotPrepared,
	NotReaped,
	type Output,
	type Seen,
	STOPPED,
	type Task,
} from '../contract.ts';
import { exitOf } from './outcome.ts';
import { HostFailure } from './failure.ts';
import { HostRun } from './host-run.ts';
import { placeOn, seenAt } from './place.ts';
import { RemoteFamily } from './remote-family.ts';
import { RemoteFiles } from './remote-files.ts';
import { type Resolve, WayIn } from './way-in.ts';

/** After the agent's death, what is left on hosts is looked for so long, and on so many at once. */
const REAP_MS = 20_000;
const REAP_AT_ONCE = 20;

/** Hosts reached by ssh: each carries out the job's steps in their order, some at a time. */
export const ssh = (policy: SshPolicy, resolve: Resolve): Executor => ({
	seen: (name) => seenAt(policy.dir, name),
	async prepare(task) {
		const { execution, project_id } = task;
		if (execution.backend !== 'ssh') throw new NotPrepared('it is not for ssh');
		const { hosts, parallel, ...setup } = execution.config;
		const chosen = hosts.filter(({ name }) => task.hosts?.includes(name) ?? true);
		if (chosen.length === 0) throw new NotPrepared('none of its hosts was chosen');
		const tool = task.commands.find((command) => command.tool !== 'shell' && command.tool !== 'custom')?.tool;
		if (tool) throw new NotPrepared(`${tool} is carried out where the agent is, not on hosts reached by ssh`);
		const way = await WayIn.open(setup, project_id, policy, resolve);
		const at_once = Math.min(parallel ?? policy.max_parallel, policy.max_parallel);
		return new SshExecution(task, chosen, way, seenAt(policy.dir, task.name), at_once);
	},
	async reap({ mark, ssh: at }: Handle, { hosts }: Left) {
		if (!at || hosts.length === 0) return;
		const way = await WayIn.open(at.config, at.project_id, policy, resolve).catch((error: unknown) => {
			if (error instanceof NotPrepared) throw new NotReaped(unseen(hosts, error.message));
			throw error;
		});
		const late = AbortSignal.timeout(REAP_MS);
		const left: TargetHost[] = [];
		await atOnce(REAP_AT_ONCE, hosts, async (host) => {
			try {
				const client = await way.connect(host, late);
				const place = placeOn(host.name, seenAt(policy.dir, at.name), mark);
				await new RemoteFamily(client, place.mark).end(0);
				await new RemoteFiles(client, place).remove();
				client.end();
			} catch (error) {
				if (!(error instanceof HostFailure)) throw error;
				left.push(host);
			}
		});
		way.close();
		if (left.length > 0) throw new NotReaped(unseen(left, 'it could not be reached'));
	},
});

const unseen = (hosts: readonly TargetHost[], why: string): string =>
	`something of it may still be on ${hosts.map(({ name }) => name).join(', ')}: ${why}`.slice(0, 400);

/** Does something for each, `count` at a time, in their order. */
async function atOnce<T>(count: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
	const next = all.values();
	const worker = async () => {
		for (const one of next) await work(one);
	};
	await Promise.all(Array.from({ length: Math.min(count, all.length) }, worker));
}

class SshExecution implements Execution {
	readonly cgroup = null;
	readonly #task: Task;
	readonly #hosts: readonly TargetHost[];
	readonly #way: WayIn;
	readonly #seen: Seen;
	readonly #atOnce: number;
	readonly #running = new Set<HostRun>();
	#exit: Promise<Exit> | null = null;
	#stopping = false;

	constructor(task: Task, hosts: readonly TargetHost[], way: WayIn, seen: Seen, at_once: number) {
		this.#task = task;
		this.#hosts = hosts;
		this.#way = way;
		this.#seen = seen;
		this.#atOnce = at_once;
	}

	start(output: Output): void {
		this.#exit = this.#carryOut(output);
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	async stop(grace_ms: number): Promise<void> {
		this.#stopping = true;
		await Promise.all([...this.#running].map((host) => host.stop(grace_ms)));
		await this.#exit;
	}

	cleanUp(): Promise<void> {
		this.#way.close();
		return Promise.resolve();
	}

	async #carryOut(output: Output): Promise<Exit> {
		const exits = new Map<string, Exit>();
		await atOnce(this.#atOnce, this.#hosts, async (host) => {
			if (this.#stopping) {
				this.#skip(host, output);
				return;
			}
			const run = new HostRun(host, this.#task, this.#way, this.#seen, output);
			this.#running.add(run);
			exits.set(host.name, await run.run());
			this.#running.delete(run);
		});
		return exitOf(
			this.#hosts.flatMap(({ name }) => {
				const exit = exits.get(name);
				return exit ? [[name, exit] as const] : [];
			}),
		);
	}

	/** A host whose turn did not come before the run was stopped. */
	#skip({ name: host }: TargetHost, output: Output): void {
		const [first] = this.#task.commands;
		if (!first) return;
		const { name, tool } = first;
		output.record({ type: 'step_started', n: 1, host, name, tool });
		output.record({ type: 'step_ended', n: 1, host, status: 'skipped', exit_code: null, reason: null, counts: null });
	}
}
