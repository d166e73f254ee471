// A node for the stand-in of a cluster: carries the containers of a pod out as processes of this host, so that what they say, their
// exit codes and their signals are real. Where a container would see its mounts, a process finds them elsewhere, and is told so.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { V1Container, V1ContainerState, V1ContainerStatus, V1Pod, V1Secret } from '@kubernetes/client-node';

interface Entry {
	at: string;
	/** Its line begins here. */
	begins: boolean;
	bytes: Buffer;
}

/** What a container says, as a node keeps it: in lines with the time of each. */
export class ContainerLog {
	#entries: Entry[] = [];
	#listeners = new Set<() => void>();
	#begins = true;
	#count = 0;
	ended = false;

	write(bytes: Buffer): void {
		for (let from = 0; from < bytes.length;) {
			const newline = bytes.indexOf(0x0a, from);
			const end = newline === -1 ? bytes.length : newline + 1;
			const at = this.#begins ? this.#now() : (this.#entries.at(-1)?.at ?? this.#now());
			this.#entries.push({ at, begins: this.#begins, bytes: bytes.subarray(from, end) });
			this.#begins = newline !== -1;
			from = end;
		}
		this.#tell();
	}

	end(): void {
		this.ended = true;
		this.#tell();
	}

	/** What was said so far is on the node no more. */
	rotate(): void {
		this.#entries = this.#entries.map((entry) => ({ ...entry, bytes: Buffer.alloc(0), begins: false }));
	}

	/** From an entry on. */
	from(n: number, since: number): Buffer {
		const kept = this.#entries.slice(n).filter(({ at }) => Math.floor(Date.parse(at) / 1000) >= since);
		return Buffer.concat(kept.flatMap(({ at, begins, bytes }) => (begins ? [Buffer.from(`${at} `), bytes] : [bytes])));
	}

	get length(): number {
		return this.#entries.length;
	}

	listen(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	#now(): string {
		return new Date().toISOString().replace('Z', `${String(this.#count++ % 1_000_000).padStart(6, '0')}Z`);
	}

	#tell(): void {
		for (const listener of this.#listeners) listener();
	}
}

export interface Image {
	/** Whose its processes are. */
	uid: number;
}

/** How a node sees the cluster. */
export interface Behind {
	changed: (pod: V1Pod) => void;
	secret: (namespace: string, name: string) => V1Secret | undefined;
	images: ReadonlyMap<string, Image>;
	/** No image arrives before it resolves. */
	held: Promise<void> | null;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One pod on the node. */
export class PodOnNode {
	readonly logs = new Map<string, ContainerLog>();
	readonly #pod: V1Pod;
	readonly #behind: Behind;
	/** Of its own memory, as a node has secrets and small volumes. */
	readonly #dir = mkdtempSync('/dev/shm/uhub-pod-');
	readonly #work = mkdtempSync(path.join(os.tmpdir(), 'uhub-pod-'));
	readonly #volumes = new Map<string, string>();
	#child: ChildProcess | null = null;
	#killed: 'ended' | 'OOMKilled' | null = null;
	readonly over: Promise<void>;

	constructor(pod: V1Pod, behind: Behind) {
		this.#pod = pod;
		this.#behind = behind;
		this.over = this.#carryOut().finally(() => {
			for (const dir of [this.#dir, this.#work]) rmSync(dir, { recursive: true, force: true });
		});
	}

	get pid(): number {
		return this.#child?.pid ?? 0;
	}

	/** TERM, then KILL; nothing of it lives when it resolves. */
	async kill(grace_s: number, why: 'ended' | 'OOMKilled' = 'ended'): Promise<void> {
		this.#killed ??= why;
		this.#signal(why === 'OOMKilled' ? 'SIGKILL' : 'SIGTERM');
		const timer = setTimeout(() => {
			this.#signal('SIGKILL');
		}, grace_s * 1000);
		if (why === 'ended') await this.over;
		else await wait(0);
		clearTimeout(timer);
	}

	#signal(signal: NodeJS.Signals): void {
		try {
			// TERM is for the program of the container, KILL for all that is in it.
			if (this.pid > 0) process.kill(signal === 'SIGKILL' ? -this.pid : this.pid, signal);
		} catch {
			// It has ended just now.
		}
	}

	async #carryOut(): Promise<void> {
		const { spec } = this.#pod;
		const inits = spec?.initContainers ?? [];
		const mains = spec?.containers ?? [];
		const status = (this.#pod.status ??= {});
		const waiting = (of: V1Container[], reason: string): V1ContainerStatus[] =>
			of.map(({ name, image }) => ({
				name,
				image: image ?? '',
				imageID: '',
				ready: false,
				restartCount: 0,
				state: { waiting: { reason } },
			}));
		status.initContainerStatuses = waiting(inits, 'PodInitializing');
		status.containerStatuses = waiting(mains, inits.length > 0 ? 'PodInitializing' : 'ContainerCreating');
		this.#behind.changed(this.#pod);
		await this.#behind.held;
		for (const container of [...inits, ...mains]) {
			if (this.#killed) break;
			const refusal = await this.#refusal(container);
			for (const reason of refusal) {
				this.#is(container.name, { waiting: reason });
				await wait(20);
			}
			if (refusal.length > 0) {
				while (!this.#killed) await wait(20);
				break;
			}
			if (!(await this.#run(container))) break;
		}
		if (status.phase === 'Failed') return;
		const all = [...status.initContainerStatuses, ...status.containerStatuses];
		status.phase = all.every(({ state }) => state?.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
		this.#behind.changed(this.#pod);
	}

	/** In the order in which a node comes to say it; empty where there is nothing against it. */
	async #refusal({ image = '' }: V1Container): Promise<{ reason: string; message: string }[]> {
		const known = this.#behind.images.get(image);
		const message = `failed to pull and unpack image "${image}": not found`;
		if (!known)
			return [
				{ reason: 'ErrImagePull', message },
				{ reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ${message}` },
			];
		const { runAsNonRoot, runAsUser } = this.#pod.spec?.securityContext ?? {};
		if (runAsNonRoot && (runAsUser ?? known.uid) === 0)
			return [
				{
					reason: 'CreateContainerConfigError',
					message: 'container has runAsNonRoot and image will run as root',
				},
			];
		await wait(0);
		this.#mount();
		return [];
	}

	#mount(): void {
		if (this.#volumes.size > 0) return;
		for (const { name, secret, emptyDir } of this.#pod.spec?.volumes ?? []) {
			const dir = path.join(emptyDir && emptyDir.medium !== 'Memory' ? this.#work : this.#dir, name);
			mkdirSync(dir, { recursive: true });
			const data = secret && this.#behind.secret(this.#pod.metadata?.namespace ?? '', secret.secretName ?? '')?.data;
			for (const { key, path: file, mode } of secret?.items ?? []) {
				mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
				writeFileSync(path.join(dir, file), Buffer.from(data?.[key] ?? '', 'base64'), { mode: mode ?? 0o644 });
			}
			this.#volumes.set(name, dir);
		}
	}

	/** Where a process finds what a container would see at a place. */
	#there(container: V1Container): (text: string) => string {
		const places = new Map<string, string>();
		for (const { name, mountPath, subPath } of container.volumeMounts ?? [])
			if (subPath === undefined && mountPath !== '/tmp') places.set(mountPath, this.#volumes.get(name) ?? '');
		for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
			const dir = places.get(path.posix.dirname(mountPath));
			if (subPath === undefined || dir === undefined) continue;
			rmSync(path.join(dir, subPath), { force: true });
			symlinkSync(path.join(this.#volumes.get(name) ?? '', subPath), path.join(dir, subPath));
		}
		const pattern = new RegExp([...places.keys()].join('|'), 'g');
		return (text) => text.replace(pattern, (place) => places.get(place) ?? place);
	}

	/** True: it ended well. */
	#run(container: V1Container): Promise<boolean> {
		const there = this.#there(container);
		const given: Record<string, string> = {};
		for (const { name, value = '' } of container.env ?? []) given[name] = expanded(value, given);
		const [program = '', ...args] = [...(container.command ?? []), ...(container.args ?? [])].map((text) =>
			there(expanded(text, given)),
		);
		const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, there(value)]));
		const log = new ContainerLog();
		this.logs.set(container.name, log);
		const child = spawn(program, args, {
			cwd: there(container.workingDir ?? '/'),
			env: { PATH: '/usr/bin:/bin', ...env },
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		this.#child = child;
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (bytes: Buffer) => {
				log.write(bytes);
			});
		return new Promise((resolve) => {
			const ended = (exitCode: number, reason: string, message?: string) => {
				if (log.ended) return;
				log.end();
				this.#is(container.name, { terminated: { exitCode, reason, ...(message !== undefined && { message }) } });
				resolve(exitCode === 0);
			};
			child.on('spawn', () => {
				if (this.#pod.status) this.#pod.status.phase = 'Running';
				this.#is(container.name, { running: { startedAt: new Date() } });
			});
			child.on('error', (error) => {
				ended(128, 'StartError', error.message);
			});
			// A container's end is the end of all that is in it.
			child.on('exit', () => {
				this.#signal('SIGKILL');
			});
			child.on('close', (code, signal) => {
				this.#child = null;
				const exitCode = code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]);
				ended(exitCode, this.#killed === 'OOMKilled' ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error');
			});
		});
	}

	#is(name: string, state: V1ContainerState): void {
		const { initContainerStatuses = [], containerStatuses = [] } = this.#pod.status ?? {};
		const status = [...initContainerStatuses, ...containerStatuses].find((one) => one.name === name);
		if (!status) return;
		status.state = state;
		if (!state.waiting) status.imageID = `${status.image.split(':')[0] ?? ''}@sha256:${'b'.repeat(64)}`;
		this.#behind.changed(this.#pod);
	}
}

/** As Kubernetes reads `$(NAME)`, and `$$` for one dollar. */
function expanded(text: string, env: Record<string, string>): string {
	return text.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) =>
		found === '$$' ? '$' : ((name === undefined ? undefined : env[name]) ?? found),
	);
}
