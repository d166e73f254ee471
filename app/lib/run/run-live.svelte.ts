import { type LogLine, LogLines } from '#domain/log.ts';
import { isFinal, Run } from '#domain/run.ts';
import { BadFrame, decodeFrame, Kind } from '#protocol/run-frames.ts';
import { api } from '#lib/api/client.ts';
import { Line } from '#lib/live/line.svelte.ts';
import { LogBuffer, MissingBytes } from './log/buffer.ts';
import { LogFilter } from './log/filter.svelte.ts';
import { LogStore } from './log/store.svelte.ts';
import { newer } from './newer.ts';

/** A log longer than this, in bytes, is not read from its beginning: its end comes live, the rest when it is looked at. */
const WHOLE_MAX = 1_048_576;
/** Frames that arrive closer together than this, in ms, are shown together. */
const TOGETHER_MS = 16;
/** So are those of a flood: more lines at a time than a screen has are read by nobody. */
const FLOOD = 200;
const FLOOD_TOGETHER_MS = 80;

/** One run as it happens: its row, and its log from wherever this page left off. */
export class RunLive {
	run: Run;
	/** The log's length in bytes, as far as it is known here. */
	bytes = $state(0);
	readonly log: LogStore;
	readonly filter: LogFilter;
	#line = $state.raw<Line | null>(null);
	#buffer = new LogBuffer();
	#arrived: LogLine[] = [];
	#nextAt = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#ended = false;

	/** `begin` is the first page of the log, which also tells how long it is. */
	constructor(run: Run, begin: LogLines) {
		this.run = $state.raw(run);
		this.log = new LogStore(run.id);
		this.filter = new LogFilter(run.id);
		this.log.take(begin);
		this.bytes = begin.total_bytes;
		if (!isFinal(run.status)) void this.#follow(begin);
	}

	/** How the connection is, while there is one to have. */
	get connection(): 'connecting' | 'open' | 'waiting' | 'over' {
		return this.#line?.state ?? 'over';
	}

	/** A row that came another way: the newer of the two counts. */
	told(run: Run): void {
		if (run.version > this.run.version) this.run = run;
	}

	close(): void {
		this.#ended = true;
		clearTimeout(this.#timer);
		this.#line?.close();
	}

	async #follow(begin: LogLines) {
		if (begin.total_bytes > WHOLE_MAX) await this.#startAtEnd(begin);
		if (this.#ended) return;
		this.#line = new Line(() => `/live/runs/${String(this.run.id)}?from=${String(this.#buffer.offset)}`, {
			bytes: (data) => {
				this.#received(data);
			},
		});
	}

	/** Begins at the last line there is: its number and place are known, so that what follows can be counted. */
	async #startAtEnd(begin: LogLines) {
		const end = await api.get(`/runs/${String(this.run.id)}/log/lines`, LogLines, {
			query: { from: Math.max(1, begin.total_lines - 199), count: 200 },
		});
		this.log.take(end);
		const last = end.items.at(-1);
		if (last) this.#buffer = new LogBuffer(last);
	}

	#received(data: Uint8Array) {
		try {
			const frame = decodeFrame(data);
			if (frame.kind === Kind.status) {
				const run = Run.safeParse(JSON.parse(new TextDecoder().decode(frame.payload)));
				if (run.success) this.run = newer(this.run, run.data);
				return;
			}
			this.#arrived.push(...this.#buffer.push(frame));
			this.#show();
		} catch (error) {
			if (!(error instanceof BadFrame || error instanceof MissingBytes)) throw error;
			// Go on from the last byte that is sure.
			this.#line?.again();
		}
	}

	/** At once when it is quiet; else what arrived within a while together. */
	#show() {
		if (this.#timer !== undefined) return;
		const wait = this.#nextAt - performance.now();
		if (wait <= 0) {
			this.#flush();
			return;
		}
		this.#timer = setTimeout(() => {
			this.#flush();
		}, wait);
	}

	#flush() {
		this.#timer = undefined;
		const lines = this.#arrived;
		this.#nextAt = performance.now() + (lines.length > FLOOD ? FLOOD_TOGETHER_MS : TOGETHER_MS);
		this.#arrived = [];
		this.log.put(lines);
		this.bytes = Math.max(this.bytes, this.#buffer.offset);
		this.filter.arrived(lines);
	}
}
