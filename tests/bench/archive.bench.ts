// An archive into an empty hub and out again: the time of a row must not grow with their number, and a log must come at a pace.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { archiveLine } from '#domain/archive.ts';
import { sendArchive } from '../../scripts/lib/send-archive.mjs';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { report, round } from './measure.ts';

const FEW = 20_000;
const MANY = 200_000;
const LOGS = 64;
const LOG_BYTES = 1_048_576;

const account = { username: 'ada', password: 'a password of this bench' };
const folder = mkdtempSync(path.join(os.tmpdir(), 'uhub-bench-archive-'));
const at = '2026-11-24T08:00:00.000Z';
const stamps = { version: 1, created_at: at, updated_at: at };

/** A hub's rows: a tenth of them jobs, the rest its history. */
function rows(count: number): string[] {
	const jobs = Array.from({ length: count / 10 }, (_, n) => ({
		kind: 'Job',
		row: {
			...{ id: n + 1, project_id: 1, environment_id: null, title: `Deploy ${String(n)}`, description: 'To production' },
			...{ job_type: 'ops', owner_id: 1, requested_by_id: null, status: 'draft', priority: 'normal', tags: ['web'] },
			...{ planned_start: null, planned_end: null, timeout_s: 3600, labels: {}, ...stamps },
		},
	}));
	const history = Array.from({ length: count - jobs.length }, (_, n) => ({
		kind: 'AuditLog',
		row: {
			...{
				id: n + 1,
				timestamp: at,
				user_id: 1,
				action: 'job.update',
				object_type: 'Job',
				object_id: 1,
				project_id: 1,
			},
			...{ metadata: { version: n, changes: { title: { from: 'Deploy', to: `Deploy ${String(n)}` } } } },
			...{ actor_kind: 'user', actor_id: null, ip: '192.0.2.1', request_id: 'a'.repeat(36) },
		},
	}));
	return [...jobs, ...history].map(archiveLine);
}

/** Runs with a megabyte of log each, as an agent sends it: frames of some lines. */
function logs(): { runs: string[]; logs: string[] } {
	const line = `${'x'.repeat(79)}\n`;
	const text = line.repeat(200);
	const frames = Math.ceil(LOG_BYTES / text.length);
	const runs: string[] = [];
	const pieces: string[] = [];
	for (let id = 1; id <= LOGS; id++) {
		runs.push(
			archiveLine({
				kind: 'Run',
				row: {
					...{ id, job_id: 1, project_id: 1, environment_id: null, started_at: at, finished_at: at, status: 'success' },
					...{ phase: 'done', triggered_by_id: 1, log_path: `runs/${String(id)}`, stdout_excerpt: null },
					...{ stderr_excerpt: null, exit_code: 0, backend: 'local', agent_id: null, attempt: 1, retry_of: null },
					...{ epoch: 1, reason: null, note: null, break_freeze: null, parameters: {}, requested_at: at, timings: {} },
					...{
						duration: 0,
						log_bytes: frames * text.length,
						log_lines: frames * 200,
						cancel_requested_at: null,
						...stamps,
					},
				},
			}),
		);
		for (let first = 1; first <= frames; first += 16) {
			const some = Array.from({ length: Math.min(16, frames - first + 1) }, () => ({
				t_ms: 1,
				stream: 'stdout',
				text,
			}));
			const row = { run_id: id, first, offset: (first - 1) * text.length, frames: some };
			pieces.push(archiveLine({ kind: 'RunLog', row }));
		}
	}
	return { runs, logs: pieces };
}

function archive(name: string, count: number, more: { runs: string[]; logs: string[] }): string {
	const person = { username: 'ada', email: null, role: 'admin', theme: 'dark', display_name: null, is_active: true };
	const project = { name: 'App', description: null, color: '#5b8def', status: 'active', owner_id: 1 };
	const [jobs, history] = [rows(count).slice(0, count / 10), rows(count).slice(count / 10)];
	const lines = [
		archiveLine({ kind: 'User', row: { id: 1, ...person, locale: 'en', last_login_at: null, ...stamps } }),
		archiveLine({
			kind: 'Project',
			row: { id: 1, ...project, execution_backend: null, execution_backend_config: null, ...stamps },
		}),
		...[jobs, more.runs, history, more.logs].flat(),
	];
	const header = archiveLine({
		format: 'uhub-archive',
		format_version: 1,
		hub_version: 'bench',
		exported_at: at,
		includes: { logs: more.logs.length > 0, documents: false },
		last_ids: {},
	});
	const file = path.join(folder, name);
	writeFileSync(file, [header, ...lines, archiveLine({ kind: 'End', row: { lines: lines.length } })].join(''));
	return file;
}

/** Seconds: to send and check all lines, to make them the hub's, to export them again. */
async function measured(file: string, query = '') {
	const hub = await startHub({ demo: false, agent: false });
	try {
		const began = performance.now();
		let sent = began;
		await sendArchive(hub.url, file, account, () => (sent = performance.now()));
		const done = performance.now();
		const api = await Api.signIn(hub.url, account.username, account.password);
		const asked = performance.now();
		const response = await fetch(`${hub.url}/api/export${query}`, { headers: { cookie: api.cookie } });
		let bytes = 0;
		for await (const part of response.body ?? []) bytes += part.length;
		const ended = performance.now();
		return { sending: (sent - began) / 1000, finish: (done - sent) / 1000, out: (ended - asked) / 1000, bytes };
	} finally {
		await hub.stop();
	}
}

try {
	const none = { runs: [], logs: [] };
	const few = await measured(archive('few.jsonl', FEW, none));
	const many = await measured(archive('many.jsonl', MANY, none));
	const per = (seconds: number, count: number) => (seconds / count) * 1e6;
	const total = ({ sending, finish }: typeof few) => sending + finish;
	const inRatio = per(total(many), MANY) / per(total(few), FEW);
	const outRatio = per(many.out, MANY) / per(few.out, FEW);
	report(
		'14 import, time of a row',
		`${round(per(total(many), MANY), 0)} µs with ${String(MANY)} rows (sent in ${round(many.sending)} s, made the hub's in ${round(many.finish)} s), ${round(inRatio)}× that with ${String(FEW)}`,
		'≤ 2×',
		inRatio <= 2,
	);
	report(
		'14 export, time of a row',
		`${round(per(many.out, MANY), 0)} µs with ${String(MANY)} rows (${round(many.out)} s, ${round(many.bytes / 1e6, 0)} MB), ${round(outRatio)}× that with ${String(FEW)}`,
		'≤ 2×',
		outRatio <= 2,
	);
	const long = await measured(archive('logs.jsonl', 10, logs()), '?logs=true');
	const megabytes = (LOGS * LOG_BYTES) / 1e6;
	const pace = Math.min(megabytes / total(long), megabytes / long.out);
	report(
		'14 logs in an archive',
		`in ${round(megabytes / total(long), 0)} MB/s, out ${round(megabytes / long.out, 0)} MB/s (${String(LOGS)} logs of 1 MB)`,
		'≥ 5 MB/s',
		pace >= 5,
	);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
