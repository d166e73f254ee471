import { type FileHandle, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import { Tool } from '#domain/tool.ts';
import { TargetHost } from '#domain/target.ts';
import { Finish } from '#protocol/agent.ts';
import { RunSpec, SshSetup } from '#protocol/run-spec.ts';
import { parseJson } from './config.ts';
import { codeOf } from './failure.ts';
import { openDurable, writeFully, writeWhole } from './files.ts';

const of = { run_id: Id, epoch: z.int().min(0) };

/** How much of a run's log was told, by what it consists of. */
export const Told = z.strictObject({ stdout: z.int(), stderr: z.int(), records: z.int(), gaps: z.int() });
export type Told = z.infer<typeof Told>;

/** What it takes to go on with a run that outlives the agent. */
export const Outliving = z.strictObject({
	name: z.string(),
	spec: RunSpec,
	commands: z.array(
		z.strictObject({
			name: z.string(),
			tool: Tool,
			argv: z.tuple([z.string()], z.string()),
			env: z.record(z.string(), z.string()),
		}),
	),
	commits: z.array(z.string().nullable()),
	cwd: z.string(),
	secrets: z.string().nullable(),
	/** The hub takes records of it. */
	records: z.boolean(),
	/** When its time is over, on the clock that began with the boot. */
	due_ms: z.int(),
	/** How much was told before its first step. */
	at: Told,
});
export type Outliving = z.infer<typeof Outliving>;

/** What must be known of a started run to find what still lives of it. */
export const Handle = z.strictObject({
	backend: z.enum(['local', 'docker', 'ssh', 'k8s', 'webhook', 'serverless', 'dummy']),
	/** The machine's boot: processes of another one are gone. */
	boot: z.string(),
	/** In the environment of every process of the run. */
	mark: z.string(),
	cgroup: z.string().nullable(),
	/** Of ssh: how the hosts it is on are reached. */
	ssh: z.strictObject({ name: z.string(), project_id: Id, config: SshSetup }).optional(),
	outlives: Outliving.optional(),
});
export type Handle = z.infer<typeof Handle>;

/**
 * A line of the journal. `started` is durable before anything is spawned; `spawned` adds what was only known afterwards; `on_host`
 * is durable before anything is done on another host, `step` before a step of a run starts that outlives the agent.
 */
const Entry = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('accepted'), ...of, doubtful: z.boolean().optional() }),
	z.strictObject({ type: z.literal('started'), ...of, at: Time, handle: Handle }),
	z.strictObject({ type: z.literal('spawned'), ...of, pid: z.int() }),
	z.strictObject({ type: z.literal('on_host'), ...of, host: TargetHost, there: z.boolean() }),
	z.strictObject({ type: z.literal('step'), ...of, n: z.int().min(1), at: Told, mark: z.string().optional() }),
	z.strictObject({ type: z.literal('exited'), ...of, finish: Finish }),
	z.strictObject({ type: z.literal('gone'), ...of }),
]);
export type Entry = z.infer<typeof Entry>;

/** What the journal knows of a run that is not over for the hub yet. */
export interface Remembered {
	run_id: number;
	epoch: number;
	started: {
		at: string;
		handle: Handle;
		leaders: number[];
		hosts: TargetHost[];
		step: { n: number; at: Told; mark?: string | undefined } | null;
	} | null;
	finish: Finish | null;
	/** Part of the journal could not be read, so that "never started" cannot be said of it. */
	doubtful: boolean;
}

export const keyOf = (r: { run_id: number; epoch: number }): string => `${String(r.run_id)}-${String(r.epoch)}`;

/** Applies one entry. Entries of runs that were never accepted, or are gone, change nothing. */
export function remember(runs: Map<string, Remembered>, entry: Entry): void {
	const key = keyOf(entry);
	if (entry.type === 'accepted')
		runs.set(key, {
			run_id: entry.run_id,
			epoch: entry.epoch,
			started: null,
			finish: null,
			doubtful: entry.doubtful ?? false,
		});
	const run = runs.get(key);
	if (!run) return;
	if (entry.type === 'started')
		run.started = { at: entry.at, handle: entry.handle, leaders: [], hosts: [], step: null };
	if (entry.type === 'spawned') run.started?.leaders.push(entry.pid);
	if (entry.type === 'on_host' && run.started) {
		const others = run.started.hosts.filter(({ name }) => name !== entry.host.name);
		run.started.hosts = entry.there ? [...others, entry.host] : others;
	}
	if (entry.type === 'step' && run.started) run.started.step = { n: entry.n, at: entry.at, mark: entry.mark };
	if (entry.type === 'exited') run.finish = entry.finish;
	if (entry.type === 'gone') runs.delete(key);
}

/**
 * What a journal's text says. A last line without its end was never durable, so nothing was done because of it. Damage before that
 * may hide a start: every run without a known start becomes doubtful, and is then never said not to have started.
 */
export function readJournal(text: string): Map<string, Remembered> {
	const runs = new Map<string, Remembered>();
	let damaged = false;
	for (const line of text.split('\n').slice(0, -1)) {
		const entry = Entry.safeParse(parseJson(line));
		if (entry.success) remember(runs, entry.data);
		else damaged = true;
	}
	if (damaged) for (const run of runs.values()) run.doubtful = true;
	return runs;
}

const entriesOf = (r: Remembered): Entry[] => {
	const { run_id, epoch } = r;
	const entries: Entry[] = [{ type: 'accepted', run_id, epoch, doubtful: r.doubtful }];
	if (r.started) {
		const { at, handle, leaders, hosts, step } = r.started;
		entries.push({ type: 'started', run_id, epoch, at, handle });
		entries.push(...leaders.map((pid): Entry => ({ type: 'spawned', run_id, epoch, pid })));
		entries.push(...hosts.map((host): Entry => ({ type: 'on_host', run_id, epoch, host, there: true })));
		if (step) entries.push({ type: 'step', run_id, epoch, ...step });
	}
	if (r.finish) entries.push({ type: 'exited', run_id, epoch, finish: r.finish });
	return entries;
};

const COMPACT_AT_BYTES = 1_048_576;

interface Waiting {
	entry: Entry;
	done: () => void;
	failed: (error: unknown) => void;
}

/** The agent's memory across its own death: append-only, each entry synced before it is acted on. */
export class Journal {
	readonly #file: string;
	readonly #runs: Map<string, Remembered>;
	#handle: FileHandle;
	#size: number;
	#compactAt = COMPACT_AT_BYTES;
	#waiting: Waiting[] = [];
	#writing: Promise<void> | null = null;

	private constructor(file: string, handle: FileHandle, runs: Map<string, Remembered>, size: number) {
		this.#file = file;
		this.#handle = handle;
		this.#runs = runs;
		this.#size = size;
	}

	/** Reads what is there and starts a fresh file with only that, so that a torn end never runs into a new entry. */
	static async open(file: string): Promise<{ journal: Journal; runs: Remembered[] }> {
		const text = await readFile(file, 'utf8').catch((error: unknown) => {
			if (codeOf(error) === 'ENOENT') return '';
			throw error;
		});
		const runs = readJournal(text);
		const kept = textOf(runs);
		await writeWhole(file, kept);
		const journal = new Journal(file, await openDurable(file), runs, Buffer.byteLength(kept));
		return { journal, runs: structuredClone([...runs.values()]) };
	}

	/** Resolves when the entry is on the disk. Several that wait at once share one sync. Rejects when the disk does not take it. */
	append(entry: Entry): Promise<void> {
		const durable = new Promise<void>((done, failed) => {
			this.#waiting.push({ entry, done, failed });
		});
		this.#writing ??= this.#write();
		return durable;
	}

	async close(): Promise<void> {
		await this.#writing;
		await this.#handle.close();
	}

	async #write(): Promise<void> {
		while (this.#waiting.length > 0) {
			const batch = this.#waiting.splice(0);
			try {
				if (this.#size >= this.#compactAt) await this.#compact();
				const text = Buffer.from(batch.map(({ entry }) => lineOf(entry)).join(''));
				await writeFully(this.#handle, text);
				this.#size += text.length;
				for (const { entry, done } of batch) {
					remember(this.#runs, entry);
					done();
				}
			} catch (error) {
				// What was written of it must not become half a line before the next one.
				await this.#handle.truncate(this.#size).catch(() => undefined);
				for (const { failed } of batch) failed(error);
			}
		}
		// In this very turn: whoever appends because of what was just told must find no writer that has already left.
		this.#writing = null;
	}

	async #compact(): Promise<void> {
		const text = textOf(this.#runs);
		await writeWhole(this.#file, text);
		await this.#handle.close();
		this.#handle = await openDurable(this.#file);
		this.#size = Buffer.byteLength(text);
		this.#compactAt = Math.max(COMPACT_AT_BYTES, 2 * this.#size);
	}
}

const lineOf = (entry: Entry): string => `${JSON.stringify(entry)}\n`;
const textOf = (runs: Map<string, Remembered>): string => [...runs.values()].flatMap(entriesOf).map(lineOf).join('');
