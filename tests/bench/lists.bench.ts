// A list of 50, signed in and permission-checked, against the same rows read by an unauthenticated Worker that only asks D1.
import { startHub } from '../support/hub.ts';
import { Api } from '../support/api.ts';
import { startRawList } from './peers/raw-list.ts';
import { inTurns, median, ratio, report, round } from './measure.ts';

const SECONDS = 2;
const CONNECTIONS = 16;

/** Requests a second. */
async function rate(url: string, headers: Record<string, string>): Promise<number> {
	const until = performance.now() + SECONDS * 1000;
	let answered = 0;
	await Promise.all(
		Array.from({ length: CONNECTIONS }, async () => {
			while (performance.now() < until) {
				const response = await fetch(url, { headers });
				const { items } = (await response.json()) as { items: unknown[] };
				if (items.length !== 50) throw new Error(`${url} answered ${String(items.length)} rows`);
				answered++;
			}
		}),
	);
	return answered / SECONDS;
}

const hub = await startHub({ agent: false });
const raw = await startRawList();
try {
	const ops = await Api.signIn(hub.url, 'ops', hub.password);
	const admin = await Api.signIn(hub.url, 'admin', hub.password);
	const projects = (await ops.get('/api/projects')).items as { id: number; name: string }[];
	const project_id = projects[0]?.id ?? 0;
	for (let i = 0; i < 60; i++)
		await admin.ok('POST', `/api/projects/${String(project_id)}/jobs`, { title: `job ${String(i)}`, job_type: 'ops' });
	const listed = await admin.get(`/api/projects/${String(project_id)}/jobs?limit=50`);
	await raw.fill(listed.items as Record<string, unknown>[]);
	const figures = await inTurns(7, {
		uhub: () => rate(`${hub.url}/api/projects/${String(project_id)}/jobs?limit=50`, { cookie: ops.cookie }),
		raw: () => rate(raw.url, {}),
	});
	const r = ratio(figures.uhub, figures.raw);
	report(
		'11 a list of 50 jobs',
		`${round(median(figures.uhub), 0)} requests/s, ${round(r)}× the raw list (${round(median(figures.raw), 0)}/s)`,
		'≥ 0.7× raw',
		r >= 0.7,
	);
} finally {
	await raw.stop();
	await hub.stop();
}
