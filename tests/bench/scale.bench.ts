// Lists and searches of a hub with 1,000 jobs and as many rows of the audit, against one with 100,000 and 1,000,000: what a page shows must not cost
// what the hub holds. Both hubs are asked in turns; the rows are made by SQL, while each hub stands still.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Api } from '../support/api.ts';
import { startHub } from '../support/hub.ts';
import { inTurns, median, ratio, report, round } from './measure.ts';

const FEW = { jobs: 1_000, audit: 1_000 };
const MANY = { jobs: 100_000, audit: 1_000_000 };
const AT_ONCE = 4;
const ASKED = 12;

/** The tables of a hub that is stopped. */
function tables(dataDir: string): DatabaseSync {
	const file = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).find((name) =>
		/^d1\/.*(?<!metadata)\.sqlite$/.test(name),
	);
	if (file === undefined) throw new Error(`no tables in ${dataDir}`);
	return new DatabaseSync(path.join(dataDir, file));
}

/** Nearly all alike, with two of each rare kind among them, near the beginning: what is found last. Of one thing there is a page in either hub. */
function fill(dataDir: string, { jobs, audit }: typeof FEW): void {
	const db = tables(dataDir);
	const numbers = (count: number) =>
		`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${String(count)})`;
	const since = Date.parse('2026-01-01T00:00:00Z');
	db.exec(`begin;
		${numbers(jobs)} insert into jobs (project_id, environment_id, title, description, job_type, owner_id, status, priority, requested_by_id, tags, version, created_at, updated_at)
			select (select min(id) from projects), (select min(id) from environments where project_id = (select min(id) from projects)),
				case when n in (2, 3) then 'Rotate the zebra ' || n else 'Deploy release ' || n end,
				'To production, after the ' || n || 'th review of what changed', case when n in (3, 500) then 'dev' else 'ops' end, case when n in (4, 501) then 3 else 1 end,
				case when n in (9, 502) then 'failed' when n % 3 = 0 then 'planned' else 'draft' end,
				case when n in (5, 503) then 'critical' else 'normal' end, case when n in (4, 501) then 3 end,
				case when n in (2, 3) then '["zebra"]' else '["release"]' end, 1, ${String(since)} + n, ${String(since)} + n * 7919 % 100003
			from numbers;
		${numbers(audit)} insert into audit_logs (timestamp, user_id, action, object_type, object_id, metadata, project_id, actor_kind, request_id)
			select ${String(since)} + n * 1000, 1 + n % 4, case when n in (3, 500) then 'user.update' else 'job.update' end,
				case when n in (3, 500) then 'User' else 'Job' end, n % 20, '{"version":' || n || case when n in (3, 500) then ',"title":"zebra"}' else '}' end, (select min(id) from projects),
				case when n in (5, 503) then 'agent' else 'user' end, 'bench'
			from numbers;
		commit;`);
	db.close();
}

async function hubWith(size: typeof FEW) {
	const dataDir = mkdtempSync(path.join(os.tmpdir(), 'uhub-bench-scale-'));
	const first = await startHub({ agent: false, dataDir });
	await first.stop();
	fill(dataDir, size);
	const hub = await startHub({ agent: false, dataDir });
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const dev = await Api.signIn(hub.url, 'dev', hub.password);
	return {
		admin,
		dev,
		async stop() {
			await hub.stop();
			rmSync(dataDir, { recursive: true, force: true });
		},
	};
}

const few = await hubWith(FEW);
const many = await hubWith(MANY);
try {
	const project = String(((await few.admin.get('/api/projects?sort=created_at')).items as { id: number }[])[0]?.id);
	const jobs = `/api/projects/${project}/jobs`;
	const environment = String(
		((await few.admin.get(`/api/projects/${project}/environments?sort=created_at`)).items as { id: number }[])[0]?.id,
	);
	const asked = {
		'jobs of a project': jobs,
		'… the oldest first': `${jobs}?sort=created_at`,
		'… by title': `${jobs}?sort=title`,
		'… by their last change': `${jobs}?sort=-updated_at`,
		'… with a common status': `${jobs}?status=planned`,
		'… with a rare status': `${jobs}?status=failed`,
		'… of a rare type': `${jobs}?job_type=dev`,
		'… of a rare priority': `${jobs}?priority=critical`,
		'… of an environment': `${jobs}?environment_id=${environment}`,
		'… of an owner of few': `${jobs}?owner_id=3`,
		'… searched for a common word': `${jobs}?q=release`,
		'… searched for a rare word': `${jobs}?q=zebra`,
		'… searched for a rare word, by title': `${jobs}?q=zebra&sort=title`,
		'… searched for what there is not': `${jobs}?q=unicorn`,
		'… the most urgent first': `${jobs}?sort=-priority`,
		'… by their status': `${jobs}?sort=status`,
		'… by when they are planned': `${jobs}?sort=-planned_start`,
		'… asked for by somebody who asks seldom': `${jobs}?requested_by_id=3`,
		'… with a common tag': `${jobs}?tags=release`,
		'… with a rare tag': `${jobs}?tags=zebra`,
		'jobs of all projects': '/api/jobs',
		'… of one of them': `/api/jobs?project_id=${project}`,
		'… searched for a rare word of all projects': '/api/jobs?q=zebra',
		'the audit': '/api/audit',
		'… the oldest of it first': '/api/audit?sort=id',
		'… by a rare action': '/api/audit?action=user.update',
		'… of a rare kind of thing': '/api/audit?object_type=User',
		'… of one thing': '/api/audit?object_type=Job&object_id=7',
		'… of a project': `/api/audit?project_id=${project}`,
		'… of a person': '/api/audit?user_id=2',
		'… by a rare kind of actor': '/api/audit?actor_kind=agent',
		'… from a moment': '/api/audit?from=2026-01-01T00:10:00Z',
		'the audit searched for a common word': '/api/audit?q=version',
		'the audit searched for a rare word': '/api/audit?q=zebra',
		'the audit searched for what there is not': '/api/audit?q=unicorn',
	};
	const within = process.argv[2];
	for (const [name, at] of Object.entries(asked)) {
		if (within !== undefined && !at.includes(within)) continue;
		const time = (of: typeof few) => async () => {
			const who = at.includes('/audit') ? of.admin : of.dev;
			const began = performance.now();
			for (let i = 0; i < ASKED; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, () => who.get(at)));
			return (performance.now() - began) / ASKED;
		};
		const figures = await inTurns(5, { many: time(many), few: time(few) });
		const r = ratio(figures.many, figures.few);
		report(`14 ${name}`, `${round(median(figures.many))} ms, ${round(r)}× that of 1,000`, '≤ 2×', r <= 2);
	}
} finally {
	await many.stop();
	await few.stop();
}
