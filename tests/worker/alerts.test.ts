import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, fresh, idOf, nobody, person, project } from './api-world.ts';
import { ifMatch } from './source-world.ts';

// Alerts as the hub meets them: what monitoring sends, signed in as nobody.

const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

let admin: Caller;
let p: number;

beforeAll(async () => {
	admin = await person('admin');
	p = await project(admin);
});

type Row = Answer['body'];
const source = (kind = 'generic', more: object = {}, project_id = p): Promise<Row> =>
	admin.ok('POST', `/api/projects/${String(project_id)}/alert-sources`, { name: fresh('source '), kind, ...more });

let address = 0;
const send = (
	path: unknown,
	body: unknown,
	from = `192.0.2.${String(++address)}`,
	headers: Record<string, string> = {},
): Promise<Answer> =>
	nobody('POST', String(path), {
		raw: typeof body === 'string' ? body : JSON.stringify(body),
		headers: { 'content-type': 'application/json', 'cf-connecting-ip': from, ...headers },
	});
const taken = (some: object) => ({
	status: 200,
	body: { opened: 0, noted: 0, ignored: 0, left_out: 0, ...some },
});
/** The incidents of a source, oldest first. */
const incidentsOf = async ({ kind, id }: Row, project_id = p) => {
	const { items } = await admin.ok('GET', `/api/projects/${String(project_id)}/incidents?limit=200`);
	return (items as Row[])
		.filter(({ dedupe_key }) => String(dedupe_key).startsWith(`${String(kind)}-${String(id)}:`))
		.sort((a, b) => idOf(a) - idOf(b));
};
const alertsOf = async (incident: Row | undefined) =>
	(await admin.ok('GET', `/api/incidents/${String(incident?.id)}/entries?kind=alert`)).items as Row[];
const step = (incident: Row | undefined, verb: string) =>
	admin.ok('POST', `/api/incidents/${String(incident?.id)}/${verb}`, {});

/** All that an alert could change, but for the counted attempts. */
const state = async () =>
	(
		await env.DB.batch(
			['alert_sources', 'incidents', 'incident_entries', 'audit_logs', 'notifications'].map((table) =>
				env.DB.prepare(`select * from ${table} order by rowid`),
			),
		)
	).map(({ results }) => results);

const prometheus = (status: string, alerts: object[]) => ({
	version: '4',
	groupKey: '{}:{alertname="Down"}',
	status,
	receiver: 'uhub',
	alerts,
});
const down = (status: string, more: object = {}) => ({
	status,
	labels: { alertname: 'Down', severity: 'critical', instance: 'web1' },
	annotations: { summary: 'web1 is down', runbook_url: 'https://wiki.example.com/down' },
	startsAt: ago(HOUR),
	endsAt: status === 'resolved' ? ago(HOUR / 2) : '0001-01-01T00:00:00Z',
	generatorURL: 'https://prometheus.example.com/graph',
	fingerprint: 'c8cbc49e9a80e2ae',
	...more,
});

describe('an alert', () => {
	it('opens an incident, as a person would: audited, in its timeline, told to people', async () => {
		const dev = await person('dev');
		const here = await project(admin, [[dev, 'read']]);
		const { id: environment_id } = await admin.ok('POST', `/api/projects/${String(here)}/environments`, {
			name: 'live',
			type: 'prod',
		});
		const from = await source('alertmanager', { environment_id }, here);
		expect(await send(from.path, prometheus('firing', [down('firing')]))).toMatchObject(taken({ opened: 1 }));
		const [incident, ...more] = await incidentsOf(from, here);
		expect(more).toEqual([]);
		expect(incident).toMatchObject({
			title: 'web1 is down',
			severity: 'critical',
			status: 'open',
			environment_id,
			dedupe_key: `alertmanager-${String(from.id)}:c8cbc49e9a80e2ae`,
		});
		expect(incident?.mttd).toBeGreaterThan(HOUR - 1000);
		const { items: lines } = await admin.ok('GET', `/api/incidents/${String(incident?.id)}/entries?sort=created_at`);
		expect(lines).toMatchObject([
			{ kind: 'status', author_id: null, ref: { step: 'open' } },
			{
				kind: 'alert',
				author_id: null,
				body: 'https://wiki.example.com/down',
				ref: { type: 'alert', status: 'firing', title: 'web1 is down' },
			},
		]);
		const { items } = await admin.ok('GET', `/api/audit?project_id=${String(here)}&limit=2`);
		const actions = (items as Row[]).map(({ action, actor_kind, object_id }) => ({ action, actor_kind, object_id }));
		expect(actions).toContainEqual({ action: 'incident.create', actor_kind: 'system', object_id: incident?.id });
		expect(actions).toContainEqual({ action: 'alert_source.receive', actor_kind: 'system', object_id: from.id });
		const told = await env.DB.prepare('select event from notifications where user_id = ? and object_id = ?')
			.bind(dev.id, idOf(incident ?? {}))
			.all();
		expect(told.results).toEqual([{ event: 'incident.opened' }]);
	});

	it('told again folds, alone or at once; what is over is said, and a person resolves', async () => {
		const from = await source('grafana');
		const fire = { ...prometheus('firing', [down('firing')]), title: '[FIRING:1] Down', message: 'x' };
		const answers = await Promise.all(Array.from({ length: 4 }, () => send(from.path, fire)));
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
		const [incident, ...more] = await incidentsOf(from);
		expect(more).toEqual([]);
		const before = await state();
		expect(await send(from.path, fire)).toMatchObject(taken({ ignored: 1 }));
		expect(await state()).toEqual(before);

		const over = prometheus('resolved', [down('resolved')]);
		expect(await send(from.path, over)).toMatchObject(taken({ noted: 1 }));
		expect(await send(from.path, over)).toMatchObject(taken({ ignored: 1 }));
		// It fires again, and names its first beginning.
		expect(await send(from.path, fire)).toMatchObject(taken({ noted: 1 }));
		expect(await send(from.path, prometheus('firing', [down('firing', { startsAt: ago(0) })]))).toMatchObject(
			taken({ ignored: 1 }),
		);
		expect(await incidentsOf(from)).toMatchObject([{ id: incident?.id, status: 'open' }]);
		expect((await alertsOf(incident)).map(({ ref }) => (ref as Row).status)).toEqual(['firing', 'resolved', 'firing']);
	});

	it('is not swallowed by an incident that is over; one that is mitigated still takes it', async () => {
		const from = await source();
		const fire = { title: 'Basket is slow', key: 'basket' };
		await send(from.path, fire);
		const [first] = await incidentsOf(from);
		expect(first).toMatchObject({ title: 'Basket is slow', severity: 'medium', started_at: null, mttd: null });
		await step(first, 'mitigate');
		expect(await send(from.path, fire)).toMatchObject(taken({ ignored: 1 }));
		await step(first, 'resolve');
		expect(await send(from.path, { ...fire, status: 'resolved' })).toMatchObject(taken({ ignored: 1 }));
		expect(await send(from.path, fire)).toMatchObject(taken({ opened: 1 }));
		const [, second] = await incidentsOf(from);
		await step(second, 'resolve');
		await step(second, 'close');
		expect(await send(from.path, fire)).toMatchObject(taken({ opened: 1 }));
		expect(await incidentsOf(from)).toMatchObject([{ status: 'resolved' }, { status: 'closed' }, { status: 'open' }]);
	});

	it('of another source is another; Centreon says it in its own words', async () => {
		const seconds = (before: number) => String(Math.floor(Date.now() / 1000) - before);
		const [one, two] = [await source('centreon', { severity: 'low' }), await source('centreon')];
		const told = { host: 'db1', service: 'disk', state: 'WARNING', output: '91 % used', time: seconds(3_600) };
		for (const { path } of [one, two]) expect(await send(path, told)).toMatchObject(taken({ opened: 1 }));
		expect(await incidentsOf(one)).toMatchObject([{ title: 'db1 disk: 91 % used', severity: 'medium' }]);
		expect(await send(one.path, { ...told, state: 'OK', time: seconds(7_200) })).toMatchObject(taken({ ignored: 1 }));
		expect(await send(one.path, { ...told, state: 'OK', time: seconds(60) })).toMatchObject(taken({ noted: 1 }));
		expect(await send(one.path, { host: 'db2', state: 'UNKNOWN' })).toMatchObject(taken({ opened: 1 }));
		expect(await incidentsOf(one)).toMatchObject([{}, { title: 'db2', severity: 'low' }]);
	});

	it('opens twenty at once and says how many are left; told again, the others come', async () => {
		const from = await source();
		const alerts = Array.from({ length: 230 }, (_, i) => ({ title: `Disk ${String(i)}`, at: '2999-01-01T00:00:00Z' }));
		expect(await send(from.path, { alerts })).toMatchObject(taken({ opened: 20, left_out: 210 }));
		expect(await send(from.path, { alerts: alerts.slice(0, 25) })).toMatchObject(taken({ opened: 5, ignored: 20 }));
		for (const { started_at } of await incidentsOf(from))
			expect(Date.parse(String(started_at))).toBeLessThanOrEqual(Date.now());
	});
});

describe('29: what opens nothing changes nothing', () => {
	it('29: a wrong key, another source, none at all: one answer; whoever guesses waits', async () => {
		const [from, gone] = [await source(), await source()];
		const old = String(gone.path);
		const anew = await admin.ok('POST', `/api/alert-sources/${String(gone.id)}/rotate`, {});
		const fire = { title: 'x' };
		const before = await state();
		const path = String(from.path);
		const wrong = [
			path.replace('/generic/', '/grafana/'),
			path.replace('/generic/', '/other/'),
			path.replace('/generic/', '/__proto__/'),
			`${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`,
			path.slice(0, -1),
			`${path}A`,
			old,
		];
		const answers = await Promise.all(wrong.map((at) => send(at, fire)));
		for (const { status, body } of answers) expect({ status, body }).toMatchObject({ status: 404 });
		expect(new Set(answers.map(({ body }) => `${String(body.code)} ${String(body.detail)}`)).size).toBe(1);
		expect(await state()).toEqual(before);
		for (let n = 0; n < 60; n++) await send(old, fire, '198.51.100.9');
		expect((await send(old, fire, '198.51.100.9')).status).toBe(429);

		expect(await send(anew.path, fire)).toMatchObject(taken({ opened: 1 }));
		await admin.call('DELETE', `/api/alert-sources/${String(gone.id)}`, { headers: ifMatch(anew) });
		expect((await send(anew.path, fire)).status).toBe(404);
	});

	it('29: its key stands nowhere', async () => {
		const from = await source();
		const key = String(from.path).split('/').at(-1) ?? '';
		await send(from.path, { title: 'x' });
		const { items } = await admin.ok('GET', `/api/projects/${String(p)}/alert-sources`);
		expect((items as Row[]).map(({ id }) => id)).toContain(from.id);
		expect(JSON.stringify([items, await state()])).not.toContain(key);
	});

	it('29 5: hostile bodies are refused with words', async () => {
		for (const kind of ['alertmanager', 'grafana', 'centreon', 'generic']) {
			const { path } = await source(kind);
			const before = await state();
			for (const body of ['', '{', '[]', 'null', '7', '"x"', '{"alerts":{}}', '{"alerts":[null]}', '{"alerts":[[]]}'])
				expect(await send(path, body), `${kind} ${body}`).toMatchObject({ status: 400, body: { code: 'invalid' } });
			expect((await send(path, '['.repeat(200_000))).status).toBe(400);
			expect((await send(path, 'x'.repeat(1_048_577))).status).toBe(413);
			const form = { raw: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
			expect((await nobody('POST', String(path), form)).status).toBe(415);
			expect(await send(path, { alerts: [] })).toMatchObject(taken({}));
			expect(await state()).toEqual(before);
		}
	});

	it('29: an archived project', async () => {
		const archived = await project(admin);
		const from = await source('generic', {}, archived);
		const row = await admin.ok('GET', `/api/projects/${String(archived)}`);
		await admin.ok('PATCH', `/api/projects/${String(archived)}`, { status: 'archived' }, ifMatch(row));
		const before = await state();
		expect(await send(from.path, { title: 'x' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
		expect(await state()).toEqual(before);
	});

	it('a preview says what would happen', async () => {
		const from = await source();
		await send(from.path, { title: 'known', key: 'k' });
		const [incident] = await incidentsOf(from);
		const before = await state();
		const payload = {
			alerts: [
				{ title: 'known', key: 'k' },
				{ title: 'known', key: 'n', status: 'resolved' },
				{ title: 'new', severity: 'high' },
				{ title: '' },
			],
		};
		const at = `/api/alert-sources/${String(from.id)}/preview`;
		expect(await admin.ok('POST', at, { payload })).toMatchObject({
			taken: { opened: 1, noted: 0, ignored: 2, left_out: 1 },
			alerts: [
				{ does: 'ignore', incident: { id: incident?.id } },
				{ does: 'ignore', incident: null },
				{ does: 'open', severity: 'high', incident: null },
			],
		});
		expect((await admin.call('POST', at, { body: { payload: {} } })).body).toMatchObject({
			code: 'invalid',
			errors: [{ path: 'title' }],
		});
		expect(await state()).toEqual(before);
	});

	it('an environment is of the project; a name is one source; there are at most fifty', async () => {
		const here = await project(admin);
		const at = `/api/projects/${String(here)}/alert-sources`;
		const elsewhere = await admin.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: fresh('env'),
			type: 'dev',
		});
		const body = { name: 'one', kind: 'generic' };
		expect((await admin.call('POST', at, { body: { ...body, environment_id: elsewhere.id } })).status).toBe(400);
		await admin.ok('POST', at, body);
		expect((await admin.call('POST', at, { body })).status).toBe(409);
		for (let n = 1; n < 50; n++) await source('generic', {}, here);
		expect((await admin.call('POST', at, { body: { ...body, name: 'more' } })).status).toBe(409);
	});
});

describe('how a source takes alerts', () => {
	it('is changed by who read it last, audited, and counts from then on; its address stays', async () => {
		const from = await source('alertmanager', {}, p);
		const { id: environment_id } = await admin.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: fresh('env'),
			type: 'prod',
		});
		const at = `/api/alert-sources/${String(from.id)}`;
		const patch = {
			name: fresh('renamed'),
			environment_id,
			severity: 'low',
			severities: { sev1: 'critical' },
			group_by: ['alertname'],
		};
		expect((await admin.call('PATCH', at, { body: patch })).status).toBe(428);
		const after = await admin.ok('PATCH', at, patch, ifMatch(from));
		expect(after).toMatchObject({ ...patch, kind: 'alertmanager', version: 2, secret_ref: null });
		expect(after.path).toBeUndefined();
		const stale = await admin.call('PATCH', at, { body: { severity: 'high' }, headers: ifMatch(from) });
		expect(stale).toMatchObject({ status: 412, body: { current: { version: 2 } } });
		expect((stale.body.changed as Row[]).map(({ field }) => field)).toContain('severity');
		expect(await admin.ok('PATCH', at, { severity: 'low' }, ifMatch(after))).toMatchObject({ version: 2 });
		const [entry] = (await admin.ok('GET', `/api/audit?action=alert_source.update&object_id=${String(from.id)}`))
			.items as Row[];
		expect(entry?.metadata).toMatchObject({ changes: { severity: { from: 'medium', to: 'low' } } });

		const two = [
			down('firing', { labels: { alertname: 'A', severity: 'SEV1', instance: '1' }, fingerprint: '1' }),
			down('firing', { labels: { alertname: 'A', severity: 'odd', instance: '2' }, fingerprint: '2' }),
		];
		expect(await send(from.path, prometheus('firing', two))).toMatchObject(taken({ opened: 1 }));
		expect(await incidentsOf(from)).toMatchObject([{ severity: 'critical', environment_id }]);
		const [one, other] = two;
		const half = [{ ...one, status: 'resolved', endsAt: ago(1_000) }, other ?? {}];
		expect(await send(from.path, prometheus('firing', half))).toMatchObject(taken({ ignored: 1 }));
		const over = two.map((alert) => ({ ...alert, status: 'resolved', endsAt: ago(0) }));
		expect(await send(from.path, prometheus('resolved', over))).toMatchObject(taken({ noted: 1 }));
	});

	it('is not changed to what it cannot be', async () => {
		const [from, other] = [await source('generic'), await source('grafana')];
		const here = await project(admin);
		const elsewhere = await admin.ok('POST', `/api/projects/${String(here)}/environments`, { name: 'e', type: 'dev' });
		const before = await state();
		for (const [body, status, path] of [
			[{ kind: 'grafana' }, 400, ''],
			[{ environment_id: elsewhere.id }, 400, 'environment_id'],
			[{ secret_ref: 'hub:key' }, 400, 'secret_ref'],
			[{ severities: { 'a b': 'low' } }, 400, 'severities.a b'],
			[{ severities: { sev1: 'awful' } }, 400, 'severities.sev1'],
			[{ group_by: ['a', 'a'] }, 400, 'group_by'],
			[{ group_by: Array.from({ length: 11 }, (_, i) => `l${String(i)}`) }, 400, 'group_by'],
			[{ name: other.name }, 409, null],
		] as const) {
			const answer = await admin.call('PATCH', `/api/alert-sources/${String(from.id)}`, {
				body,
				headers: ifMatch(from),
			});
			expect(answer.status, JSON.stringify(body)).toBe(status);
			if (path !== null) expect((answer.body.errors as Row[])[0]?.path).toBe(path);
		}
		expect(await state()).toEqual(before);
	});
});

describe('29: what Grafana signs', () => {
	const secret = 'a key of sixteen or more';
	const hmac = async (text: string, key = secret) => {
		const bytes = (of: string) => new TextEncoder().encode(of);
		const hash = { name: 'HMAC', hash: 'SHA-256' };
		const signing = await crypto.subtle.importKey('raw', bytes(key), hash, false, ['sign']);
		const signed = new Uint8Array(await crypto.subtle.sign('HMAC', signing, bytes(text)));
		return Array.from(signed, (byte) => byte.toString(16).padStart(2, '0')).join('');
	};
	const deliver = (path: unknown, body: string, signature: string, signed_at?: string, from?: string) =>
		send(path, body, from, {
			...(signature && { 'x-grafana-alerting-signature': signature }),
			...(signed_at !== undefined && { 'x-grafana-alerting-timestamp': signed_at }),
		});

	it('29: is taken where it is signed with the key that the source asks for, and of now', async () => {
		const name = fresh('grafana-').replaceAll(' ', '');
		await admin.ok('PUT', `/api/projects/${String(p)}/hub-secrets/${name}`, { value: secret });
		const { path, ...from } = await source('grafana', { secret_ref: `hub:${name}` });
		const body = JSON.stringify(prometheus('firing', [down('firing')]));
		const now = String(Math.floor(Date.now() / 1000));
		const old = String(Number(now) - 600);
		const before = await state();
		for (const [signature, at] of [
			['', undefined],
			['', now],
			['zz', undefined],
			[await hmac(body, 'another key of sixteen'), undefined],
			[`sha256=${await hmac(body)}`, undefined],
			[await hmac(`${body} `), undefined],
			// The time is part of what is signed, and is of now.
			[await hmac(body), now],
			[await hmac(`${now}:${body}`), undefined],
			[await hmac(`${now}:${body}`), String(Number(now) + 1)],
			[await hmac(`${old}:${body}`), old],
			[await hmac(`soon:${body}`), 'soon'],
		] as const)
			expect(await deliver(path, body, signature, at), `${signature} ${String(at)}`).toMatchObject({
				status: 401,
				body: { code: 'not_signed_in' },
			});
		expect(await state()).toEqual(before);
		expect(await deliver(path, body, await hmac(`${now}:${body}`), now)).toMatchObject(taken({ opened: 1 }));
		expect(await deliver(path, body, (await hmac(body)).toUpperCase())).toMatchObject(taken({ ignored: 1 }));

		// A key that is gone proves nothing.
		await admin.call('DELETE', `/api/projects/${String(p)}/hub-secrets/${name}`);
		expect((await deliver(path, body, await hmac(body))).status).toBe(401);
		await admin.ok('PATCH', `/api/alert-sources/${String(from.id)}`, { secret_ref: null }, ifMatch(from));
		expect(await deliver(path, body, '')).toMatchObject(taken({ ignored: 1 }));
	});

	it('29: whoever tries signatures waits', async () => {
		const { path } = await source('grafana', { secret_ref: 'hub:nothing' });
		for (let n = 0; n < 60; n++) await deliver(path, '{"alerts":[]}', 'ab', undefined, '198.51.100.77');
		expect((await deliver(path, '{"alerts":[]}', 'ab', undefined, '198.51.100.77')).status).toBe(429);
	});
});
