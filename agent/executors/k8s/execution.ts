import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../failure.ts';
import type { Told } from '../../journal.ts';
import type { K8sPolicy, K8sSpec } from '../../policy/k8s.ts';
import { type Begun, type Execution, type Exit, NotPrepared, type Output, STOPPED, type Task } from '../contract.ts';
import { inOrder } from '../in-order.ts';
import type { Cluster } from './cluster.ts';
import { asNotPrepared, ClusterError, unlessAway } from './failure.ts';
import type { RunFile } from './files.ts';
import { containerName, jobOf, nameOf, secretOf, selectorOf } from './manifest.ts';
import { AGAIN_MS, PodWatch } from './pod-watch.ts';
import {
	disruption,
	endOf,
	failed,
	hasBegun,
	imageIn,
	isOver,
	stepIn,
	wasLate,
	whyUnscheduled,
	whyWaiting,
	whyWithout,
} from './state.ts';
import { Rotated, StepLog } from './step-log.ts';

/** How often what is not watched is looked at. */
const LOOK_MS = 1000;
/** How long a run that is to end may stay out of sight before nobody can say any more that it ended. */
const OUT_OF_SIGHT_MS = 300_000;
/** How often in a row the log of a step that ended may be something else. */
const TRIES_MAX = 10;

const lost = (message: string): Exit => ({ kind: 'lost', reason: { code: 'agent_lost', message } });

interface Parts {
	task: Task;
	config: K8sSpec;
	policy: K8sPolicy;
	/** Null: an earlier process of the agent has made the Job. */
	files: RunFile[] | null;
	/** Its mark is the time of the first line of the step. */
	began: Begun;
	/** Throws `NotPrepared`. */
	open: () => Promise<Cluster>;
}

/** A run that is a Job: its steps are the containers of one pod, which the cluster starts one after the other. */
export class K8sExecution implements Execution {
	readonly cgroup = null;
	readonly #p: Parts;
	#cluster: Cluster | null = null;
	#watch: PodWatch | null = null;
	#stopping = false;
	#over = false;
	#exit: Promise<Exit> | null = null;
	#giveUp: (exit: Exit) => void = () => undefined;

	constructor(parts: Parts) {
		this.#p = parts;
	}

	start(output: Output): void {
		const gaveUp = new Promise<Exit>((resolve) => (this.#giveUp = resolve));
		this.#exit = Promise.race([this.#carryOut(output), gaveUp]).finally(() => {
			this.#over = true;
			this.#watch?.end();
		});
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	async stop(grace_ms: number): Promise<void> {
		this.#stopping = true;
		if (!this.#exit || this.#over) return;
		await this.#end(grace_ms);
		await Promise.race([this.#exit, sleep(grace_ms + OUT_OF_SIGHT_MS, undefined, { ref: false })]);
		this.#giveUp(lost('The cluster does not say whether its pod still lives.'));
	}

	/** Where the cluster is away, it is asked again for a while; the Job itself has an end after which it is removed. */
	async cleanUp(): Promise<void> {
		const { config, task } = this.#p;
		const cluster = this.#cluster;
		if (!cluster) return;
		await this.#persist(
			async () => {
				await cluster.deleteSecret(config.namespace, nameOf(task.name));
				await cluster.deleteJob(config.namespace, nameOf(task.name));
			},
			() => false,
		);
	}

	async #carryOut(output: Output): Promise<Exit> {
		const { config, task, began } = this.#p;
		try {
			const cluster = await this.#opened();
			if (!cluster) return lost('It is not known how its cluster is reached.');
			const refusal = await this.#begin(cluster);
			if (refusal) return refusal;
			const watch = new PodWatch(cluster, config.namespace, selectorOf(task.name));
			this.#watch = watch;
			let at: Told | null = null;
			const exit = await inOrder(task.commands, output, {
				stopping: () => this.#stopping,
				before: async (n) => {
					const why = await this.#begun(n, cluster, watch);
					at = await output.told();
					return why;
				},
				run: (_, n) => this.#run(n, at, output, cluster, watch),
				about: (n) => ({ image: watch.pod ? imageIn(watch.pod, n, config.image) : config.image }),
				began: began.n,
			});
			return await this.#settled(exit, cluster, watch);
		} catch (error) {
			return this.#broke(error);
		}
	}

	/** Null: the run was given up before the way was known. */
	async #opened(): Promise<Cluster | null> {
		while (!this.#over) {
			try {
				return (this.#cluster = await this.#p.open());
			} catch (error) {
				if (!(error instanceof NotPrepared)) throw error;
			}
			await sleep(AGAIN_MS);
		}
		return null;
	}

	/** Makes the Job and lets it go, or finds it. Answers why it will not. */
	async #begin(cluster: Cluster): Promise<Exit | null> {
		const { config, task, policy, files } = this.#p;
		const { namespace } = config;
		if (!files) {
			const job = await this.#persist(() => cluster.job(namespace, nameOf(task.name)));
			if (!job) return lost('Its Job is gone, and with it what became of it.');
			return job.spec.suspend === true ? lost('The agent or the cluster went away just as it was to start.') : null;
		}
		const job = await cluster.createJob(namespace, jobOf(task, config, files, policy));
		if (files.length > 0) await cluster.createSecret(namespace, secretOf(task, namespace, files, job));
		if (this.#stopping) return STOPPED;
		// Whether it was let go is not known where the answer did not come: so it is let go until that is known.
		await this.#persist(
			() => cluster.resumeJob(namespace, job),
			() => this.#stopping,
		);
		return null;
	}

	/** Resolves when a step has begun, or with why it does not. */
	async #begun(n: number, cluster: Cluster, watch: PodWatch): Promise<Exit | null> {
		const { start_within_s } = this.#p.policy;
		const since = performance.now();
		let seen = false;
		while (!this.#over) {
			const { pod, trouble } = watch;
			if (trouble && !trouble.away) return { kind: 'failed', reason: asNotPrepared(trouble).reason, code: null };
			if (pod) {
				seen = true;
				if (hasBegun(pod, n)) return null;
				const why = isOver(pod) ? endOf(pod, n) : this.#stopping ? null : whyWaiting(pod, n);
				if (why) return why;
			} else if (pod === null) {
				if (this.#stopping) return STOPPED;
				const why = await this.#without(cluster, seen);
				if (why) return why;
			}
			if (!trouble && !this.#stopping && performance.now() - since > start_within_s * 1000) {
				const why = pod
					? (whyUnscheduled(pod) ?? 'its image, its volumes or its node took longer')
					: 'the cluster made no pod';
				return failed('pod_failed', `Its pod did not start within ${String(start_within_s)} s: ${why}`);
			}
			await watch.changed(LOOK_MS);
		}
		return STOPPED;
	}

	/** Why there is no pod; null: there may yet be one. */
	async #without(cluster: Cluster, seen: boolean): Promise<Exit | null> {
		const { config, task } = this.#p;
		try {
			const job = await cluster.job(config.namespace, nameOf(task.name));
			if (!job) return lost('Its Job is gone, and with it what became of it.');
			const why = whyWithout(job);
			if (why) return why;
			if (seen) return lost('Its pod is gone, and with it what became of it.');
			const complaints = await cluster.complaints(config.namespace, job.metadata.uid);
			const refused = complaints.find(({ reason }) => reason === 'FailedCreate');
			return refused ? failed('cluster_refused', `The cluster refuses its pod: ${refused.message}`) : null;
		} catch (error) {
			return unlessAway(error);
		}
	}

	/** From what a step says to its end. `at`: where the log stood before it; null: an earlier process of the agent has told of it. */
	async #run(n: number, at: Told | null, output: Output, cluster: Cluster, watch: PodWatch): Promise<Exit> {
		const { began } = this.#p;
		const log = new StepLog(output, at === null ? began.mark : null, (time) =>
			at === null ? Promise.resolve() : output.begin(n, at, time),
		);
		let tries = 0;
		let heard = false;
		for (let whole = false; !this.#over;) {
			const { pod } = watch;
			if (pod === undefined) {
				await watch.changed(LOOK_MS);
				continue;
			}
			if (pod === null) {
				const last = watch.last && stepIn(watch.last, n)?.state?.terminated ? endOf(watch.last, n) : null;
				if (last) return last;
				if (this.#stopping) return { kind: 'signal', signal: 'SIGKILL' };
				return (await this.#without(cluster, true)) ?? lost('Its pod is gone, and with it what became of it.');
			}
			const end = endOf(pod, n);
			if (end && (whole || !hasBegun(pod, n))) return end;
			const trouble = await this.#hear(log, pod.metadata.name, n, cluster);
			// Gone with its pod, after it was heard to an end.
			if (end && heard && trouble?.status === 404) return end;
			if (end && trouble && (!trouble.away || ++tries === TRIES_MAX))
				return { kind: 'broken', message: `its log is not to be had: ${trouble.message}` };
			heard ||= trouble === null;
			// Read to the end while it ran, its last words may not have been in it yet.
			whole = trouble === null && end !== null;
			if (!whole) await (trouble ? sleep(AGAIN_MS) : watch.changed(LOOK_MS));
		}
		return STOPPED;
	}

	/** What kept it from being heard to an end; null: nothing. */
	async #hear(log: StepLog, pod: string, n: number, cluster: Cluster): Promise<ClusterError | null> {
		const { namespace } = this.#p.config;
		const ending = new AbortController();
		try {
			await log.take(await cluster.log(namespace, pod, containerName(n), log.since, ending.signal));
			return null;
		} catch (error) {
			if (error instanceof ClusterError) return error;
			throw error;
		} finally {
			ending.abort();
		}
	}

	/** How it ended once nothing of it lives. */
	async #settled(exit: Exit, cluster: Cluster, watch: PodWatch): Promise<Exit> {
		const { namespace } = this.#p.config;
		if (this.#stopping || exit.kind !== 'exit') {
			if (watch.pod !== null && !(watch.pod && isOver(watch.pod))) {
				await this.#end(this.#p.task.grace_s * 1000);
				while (!this.#over && !(watch.pod === null || (watch.pod && isOver(watch.pod)))) await watch.changed(LOOK_MS);
			}
			return exit;
		}
		if (exit.code === 0) return exit;
		const job = await cluster.job(namespace, nameOf(this.#p.task.name)).catch(unlessAway);
		return (job && wasLate(job)) ?? (watch.pod && disruption(watch.pod)) ?? exit;
	}

	/** Ends what may live: the Job first, so that nothing takes its pod's place. False: the cluster did not take it. */
	async #end(grace_ms: number): Promise<boolean> {
		const { config, task } = this.#p;
		const ended = this.#persist(
			async () => {
				if (!this.#cluster) throw new ClusterError('it is not known how it is reached', null);
				await this.#cluster.deleteJob(config.namespace, nameOf(task.name));
				const pod = this.#watch?.pod;
				// Its own grace is that of the run. Who may not end pods waits as long as that.
				if (pod)
					await this.#cluster
						.deletePod(config.namespace, pod.metadata.name, Math.ceil(grace_ms / 1000))
						.catch(unlessForbidden);
			},
			() => this.#over,
		);
		return ended.then(
			() => true,
			() => false,
		);
	}

	/** Again and again while the cluster is away, until that is enough. */
	async #persist<T>(work: () => Promise<T>, enough: () => boolean = () => this.#over): Promise<T> {
		const until = performance.now() + OUT_OF_SIGHT_MS;
		for (;;) {
			try {
				return await work();
			} catch (error) {
				if (!(error instanceof ClusterError) || !error.away || enough() || performance.now() > until) throw error;
			}
			await sleep(AGAIN_MS, undefined, { ref: false });
		}
	}

	/** Whatever went wrong: it is ended, or lost. */
	async #broke(error: unknown): Promise<Exit> {
		if (!(await this.#end(this.#p.task.grace_s * 1000))) return lost(`Its Job could not be ended: ${messageOf(error)}`);
		const watch = this.#watch;
		while (!this.#over && watch?.pod && !isOver(watch.pod)) await watch.changed(LOOK_MS);
		if (error instanceof Rotated) return lost(`It could not be gone on with, and was ended: ${error.message}.`);
		return error instanceof ClusterError || error instanceof NotPrepared
			? { kind: 'failed', reason: asNotPrepared(error).reason, code: null }
			: { kind: 'broken', message: messageOf(error) };
	}
}

function unlessForbidden(error: unknown): void {
	if (!(error instanceof ClusterError) || error.status !== 403) throw error;
}
