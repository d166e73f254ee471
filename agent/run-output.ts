import { Stream } from '#protocol/run-frames.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Output } from './executors/contract.ts';
import type { Journal } from './journal.ts';
import type { RunLog } from './run-log.ts';

interface Behind {
	of: { run_id: number; epoch: number };
	log: RunLog;
	journal: Journal;
	/** By step. */
	commits: readonly (string | null)[];
	/** The hub takes records. */
	records: boolean;
}

/** What a run's backend speaks through: to its log, and to the journal. */
export const outputOf = ({ of: { run_id, epoch }, log, journal, commits, records }: Behind): Output => ({
	write: (stream, bytes) => log.write(stream, bytes),
	note: (stream, text) => {
		log.note(stream, text);
	},
	record: (record) => {
		if (!records) return;
		const commit = record.type === 'step_started' ? commits[record.n - 1] : null;
		log.record(record.type === 'step_started' && commit ? { ...record, commit } : record);
	},
	told: () => log.settled(),
	begin: (n, at, mark) => journal.append({ type: 'step', run_id, epoch, n, at, ...(mark !== undefined && { mark }) }),
	spawned: (pid) => {
		journal.append({ type: 'spawned', run_id, epoch, pid }).catch(() => undefined);
	},
	onHost: (host, there) => journal.append({ type: 'on_host', run_id, epoch, host, there }),
	lane: (host) => log.lane(host),
});

/** Which commit each script is of, at the beginning of the log. */
export function noteSources({ steps }: RunSpec, commits: readonly (string | null)[], output: Output): void {
	for (const [n, commit] of commits.entries()) {
		const step = steps[n];
		if (commit !== null && step?.location_type === 'git')
			output.note(Stream.stdout, `uhub: ${step.path} of ${step.url}, ${step.revision}: commit ${commit}`);
	}
}
