import type { Run } from '#domain/run.ts';
import type { DemoJob } from './jobs.ts';
import { Transcript } from './transcript.ts';
import { transcripts } from './transcripts.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const WEEKS = 3;

export interface PastRun {
	job: DemoJob;
	log: Transcript;
	row: Pick<
		Run,
		'status' | 'phase' | 'requested_at' | 'started_at' | 'finished_at' | 'exit_code' | 'reason' | 'timings' | 'duration'
	>;
}

/** Every run of the demo's past, oldest first. */
export function pastRuns(jobs: readonly DemoJob[], now: number): PastRun[] {
	const today = Math.floor(now / DAY) * DAY;
	const runs = jobs.flatMap((job, index) => {
		const { past } = job;
		if (!past) return [];
		const made: PastRun[] = [];
		for (let day = 1; day <= WEEKS * 7; day += past.every) {
			const nth = made.length;
			// Some minutes apart, as it happens.
			const usual = today - day * DAY + past.hour * HOUR + ((index * 7919 + day * 104_729) % 900) * 1000;
			const at = nth === 0 && past.ago !== undefined ? now - past.ago * HOUR : usual;
			made.push(pastRun(job, nth, at, index * 100 + nth));
		}
		return made;
	});
	return runs.sort((a, b) => a.log.started_ms - b.log.started_ms);
}

function pastRun(job: DemoJob, nth: number, requested_ms: number, seed: number): PastRun {
	if (job.past?.canceled?.includes(nth)) return canceledRun(job, requested_ms);
	const failed = job.past?.failed?.includes(nth) ?? false;
	const random = mulberry32(seed + 1);
	const version = `v2.${String(4 - Math.min(nth, 4))}.0`;
	const log = new Transcript(requested_ms + 60 + Math.floor(random() * 40));
	for (const [n, name] of job.scripts.entries()) {
		if (job.scripts.length > 1) log.line(`── ${String(n + 1)}/${String(job.scripts.length)} ${name}`);
		transcripts[name](log, { random, failed, version, environment: job.environment ?? '' });
		// The first script that fails is the last one that runs.
		if (failed) break;
	}
	const started_at = iso(log.started_ms);
	return {
		job,
		log,
		row: {
			status: failed ? 'failed' : 'success',
			phase: 'done',
			requested_at: iso(requested_ms),
			started_at,
			finished_at: iso(log.ended_ms + 30),
			exit_code: failed ? 1 : 0,
			reason: failed ? { code: 'exit_code', message: 'The script ended with exit code 1.' } : null,
			timings: {
				offered_at: iso(requested_ms + 8),
				accepted_at: iso(requested_ms + 21),
				granted_at: iso(requested_ms + 27),
				started_at,
				exited_at: iso(log.ended_ms + 12),
			},
			duration: Math.round(log.ended_ms + 30 - log.started_ms),
		},
	};
}

/** Called off while it waited in the queue. */
const canceledRun = (job: DemoJob, requested_ms: number): PastRun => ({
	job,
	log: new Transcript(requested_ms),
	row: {
		status: 'canceled',
		phase: 'done',
		requested_at: iso(requested_ms),
		started_at: null,
		finished_at: iso(requested_ms + 41_000),
		exit_code: null,
		reason: { code: 'canceled_by_user', message: 'Canceled before it started.' },
		timings: {},
		duration: null,
	},
});

const iso = (ms: number) => new Date(Math.round(ms)).toISOString();

/** A small generator with a seed, so that the demo is the same for everybody. */
function mulberry32(seed: number): () => number {
	let a = seed;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
}
