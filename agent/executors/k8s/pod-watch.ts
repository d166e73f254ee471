import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from './answers.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './failure.ts';

/** How long to wait before a cluster is asked again that is away. */
export const AGAIN_MS = 500;

/** The pod of a run as the cluster has it, from now on: listed, watched, and listed again wherever the watch ends. */
export class PodWatch {
	/** Undefined: not known yet. Null: there is none, or none any more. */
	pod: Pod | null | undefined;
	/** As it was last seen: a pod that ends is soon gone. */
	last: Pod | null = null;
	/** Why nothing is known (any more); null: all is well. */
	trouble: ClusterError | null = null;
	readonly #ending = new AbortController();
	/** The first that was seen. A Job of ours has no other. */
	#uid: string | null = null;
	#waiting: (() => void)[] = [];

	constructor(cluster: Cluster, namespace: string, selector: string) {
		void this.#watch(cluster, namespace, selector);
	}

	/** Resolves at the next change, or after some time. */
	async changed(ms: number): Promise<void> {
		const ending = new AbortController();
		const change = new Promise<void>((resolve) => this.#waiting.push(resolve));
		await Promise.race([change, sleep(ms, undefined, { signal: ending.signal }).catch(() => undefined)]);
		ending.abort();
	}

	end(): void {
		this.#ending.abort();
		this.#wake();
	}

	async #watch(cluster: Cluster, namespace: string, selector: string): Promise<void> {
		const { signal } = this.#ending;
		while (!signal.aborted) {
			try {
				const { pods, version } = await cluster.pods(namespace, selector);
				const [first] = pods.sort((a, b) =>
					(a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1,
				);
				this.#uid ??= first?.metadata.uid ?? null;
				this.trouble = null;
				this.#is(pods.find(({ metadata }) => metadata.uid === this.#uid) ?? null);
				for await (const { pod, gone } of cluster.watchPods(namespace, selector, version, signal)) {
					this.#uid ??= pod.metadata.uid;
					if (pod.metadata.uid !== this.#uid) continue;
					this.last = pod;
					this.#is(gone ? null : pod);
				}
			} catch (error) {
				this.trouble = error instanceof ClusterError ? error : new ClusterError(String(error), null);
				this.#wake();
			}
			await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
		}
	}

	#is(pod: Pod | null): void {
		this.pod = pod;
		this.last = pod ?? this.last;
		this.#wake();
	}

	#wake(): void {
		for (const resolve of this.#waiting.splice(0)) resolve();
	}
}
