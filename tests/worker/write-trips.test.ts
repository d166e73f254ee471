import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { seedDemo } from '#worker/seed/index.ts';
import { nobody, ORIGIN } from './api-world.ts';
import { answered } from './d1-trips.ts';
import { COPIES, multiplyAll } from './multiply.ts';
import { addressOf, documentOf } from './operations.ts';

// Whatever is written takes a fixed small number of round trips to D1, of many rows as of few: asked of every operation that writes, with
// the example the document has of it.

const PASSWORD = 'a password of this test';
/** To enter, to count where attempts are counted, to commit; and the two that begin to deliver, which the answer does not wait for. */
const MOST = 5;
let cookie: string;
let operations: { id: string; method: string; path: string; body: object | undefined }[];

/** What takes bytes or a signature, or ends the session that asks. */
const left = new Set([
	...['script.update_content', 'hub.import_lines', 'change.receive', 'alert_source.receive'],
	...['session.delete', 'session.end', 'session.end_others', 'me.password'],
]);
/** What an example cannot do, and is counted as it refuses: a code, a key, a signature of somebody, a hub that is empty, a run that waits. */
const refused = [
	...['hub.setup', 'hub.import_start', 'hub.import', 'session.confirm', 'me.email_check', 'me.email_confirm'],
	...['second_factor.confirm', 'second_factor.renew', 'second_factor.disable'],
	...['run.report', 'run.approve', 'run.reject', 'terraform_plan.apply', 'job.sign', 'job.unsign'],
	...['agent.join', 'agent.confirm'],
];
/** What is sent instead of the example, where it names what there is not. */
const instead: Record<string, object> = {
	'session.create': { username: 'admin', password: PASSWORD },
	'second_factor.start': { password: PASSWORD },
	'run.start': {},
	'alert_source.preview': { payload: { alerts: [{ status: 'firing', labels: { alertname: 'Down' } }] } },
};
/** The row, where not every one will do. */
const rowFor: Record<string, string> = {
	'run.start': 'select min(job_id) as id from job_script_refs',
	'run.cancel': "select max(id) as id from runs where status = 'queued'",
	'postmortem.create': 'select min(id) as id from incidents where id not in (select incident_id from postmortems)',
	'incident_link.delete': 'select incident_id as id from incident_links where id = 1',
	// The first person is the one who asks.
	'user.password': 'select 3 as id',
	'user.update': 'select 3 as id',
};
const turn = ['post', 'put', 'patch', 'delete'];

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const login = { username: 'admin', password: PASSWORD };
	const { headers } = await nobody('POST', '/api/auth/login', { body: login, headers: { origin: ORIGIN } });
	cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
	const { paths } = await documentOf();
	operations = Object.entries(paths)
		.flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, { operationId: id, requestBody }]) => ({
				...{ id, method, path },
				body: instead[id] ?? (requestBody?.content['application/json']?.example as object | undefined),
			})),
		)
		.filter(({ id, method }) => method !== 'get' && !left.has(id))
		// What hangs on a row goes before the row.
		.sort((a, b) =>
			a.method === 'delete' && b.method === 'delete'
				? b.path.length - a.path.length
				: turn.indexOf(a.method) - turn.indexOf(b.method),
		);
}, 60_000);

async function measure(which: 'min' | 'max') {
	const all: Record<string, { status: number; trips: number }> = {};
	const settling: Promise<void>[] = [];
	for (const { id, method, path, body } of operations) {
		// Not while the ping before it is being sent.
		if (id === 'webhook.replay') await Promise.all(settling);
		const row = rowFor[id];
		const at = row
			? path.replace('{id}', String(await env.DB.prepare(row).first<number>('id'))).replace(/\{\w+\}/, '1')
			: await addressOf(path, method === 'delete' ? 'max' : which);
		// Who signs in with a session leaves it.
		const who = { cookie: id === 'session.create' ? '' : cookie };
		const ask = (version: number) =>
			answered(who, method.toUpperCase(), at, body, { 'if-match': `"v${String(version)}"` });
		let answer = await ask(1);
		if (answer.status === 412) answer = await ask(answer.version);
		all[id] = { status: answer.status, trips: answer.trips };
		settling.push(answer.settled);
	}
	await Promise.all(settling);
	return all;
}

it('11: what is written takes a few round trips, of many rows as of few', { timeout: 120_000 }, async () => {
	const few = await measure('min');
	await multiplyAll();
	expect(await env.DB.prepare('select count(*) as n from jobs').first<number>('n')).toBeGreaterThan(COPIES);
	const many = await measure('max');
	for (const all of [few, many])
		for (const [id, { status, trips }] of Object.entries(all)) {
			expect(status, id).toBeLessThan(500);
			expect(trips, id).toBeLessThanOrEqual(MOST);
		}
	// And each is carried out at least once, but for those that an example cannot be.
	const done = (id: string) => [few[id], many[id]].some((one) => one !== undefined && one.status < 300);
	expect(operations.map(({ id }) => id).filter((id) => !done(id))).toEqual(
		operations.map(({ id }) => id).filter((id) => refused.includes(id)),
	);
	expect(operations.length).toBeGreaterThan(100);
});
