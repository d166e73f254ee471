import { RUN_STEPS_MAX, type RunStep } from '#domain/run-step.ts';
import type { RunStatus } from '#domain/run.ts';
import type { Frame } from '#protocol/run-frames.ts';
import { parseRecord } from '#protocol/run-record.ts';
import type { Storage } from './storage.ts';

/** The steps of a run, made of the records in its log: a row each, for there may be a thousand and they change one by one. */
export class Steps {
	readonly #storage: Storage;
	readonly #steps: RunStep[];

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec('create table if not exists steps (at integer primary key, step text not null)');
		this.#steps = storage.sql
			.exec<{ step: string }>('select step from steps order by at')
			.toArray()
			.map(({ step }) => JSON.parse(step) as RunStep);
	}

	get all(): readonly RunStep[] {
		return this.#steps;
	}

	/** `lines`: how many had begun before it. False where the record changes nothing: the end of a step that never began, or one too many. */
	take({ frame, lines }: { frame: Frame; lines: number }): boolean {
		const record = parseRecord(frame.payload);
		if (!record || record.type === 'artifact') return false;
		const at = this.#steps.findIndex((s) => s.n === record.n && s.host === record.host);
		const time = new Date(frame.t_ms).toISOString();
		if (record.type === 'step_started') {
			if (at !== -1 || this.#steps.length === RUN_STEPS_MAX) return false;
			const { n, host, name, tool, commit, image } = record;
			const begun = { status: 'running', started_at: time, from: frame.offset, from_line: lines + 1 } as const;
			const open = { exit_code: null, reason: null, finished_at: null, to: null, to_line: null, counts: null };
			this.#put(this.#steps.length, {
				n,
				host,
				name,
				tool,
				...(commit !== undefined && { commit }),
				...(image !== undefined && { image }),
				...begun,
				...open,
			});
			return true;
		}
		const step = this.#steps[at];
		if (!step) return false;
		const { status, exit_code, reason, counts } = record;
		this.#put(at, { ...step, status, exit_code, reason, counts, finished_at: time, to: frame.offset, to_line: lines });
		return true;
	}

	/** The run is over: what was under way then did not end by itself. */
	close(run: RunStatus, at: string): void {
		const status = run === 'canceled' || run === 'lost' ? run : 'failed';
		for (const [i, step] of this.#steps.entries())
			if (step.status === 'running') this.#put(i, { ...step, status, finished_at: at });
	}

	#put(at: number, step: RunStep) {
		this.#steps[at] = step;
		this.#storage.sql.exec('insert or replace into steps (at, step) values (?, ?)', at, JSON.stringify(step));
	}
}
