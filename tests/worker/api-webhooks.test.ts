import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sealerOf } from '#worker/services/sealed.ts';
import { deliverWebhooks } from '#worker/services/webhooks/deliver.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';
import { type Answer, type Caller, ctxFor, fresh, idOf, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

// Webhooks: who may have them, where they may lead, what is sent, and what becomes of it when the other end is bad.

type Row = Answer['body'];
interface Attempt {
	status: number | null;
	ms: number;
	error: string | null;
	excerpt: string;
}
interface Delivery extends Row {
	key: string;
	event: string;
	status: string;
	tries: number;
	next_at: string | null;
	attempts: Attempt[];
	payload: Record<string, unknown>;
}

let admin: Caller, owner: Caller, dev: Caller, stranger: Caller;
let p: number, other: number;
const HOUR = 3_600_000;
/** How long what is sent after an answer may take on a busy machine. */
const PATIENCE_MS = 30_000;
const URL_OUTSIDE = 'https://hooks.example.com/in?key=s3cret';

/** What the far end was sent, and what it answers. */
let received: { url: string; headers: Headers; body: string; redirect: string | undefined }[] = [];
let answer: (init: RequestInit) => Promise<Response>;
const farEnd = (input: string, init: RequestInit): Promise<Response> => {
	received.push({
		url: input,
		headers: new Headers(init.headers),
		body: typeof init.body === 'string' ? init.body : '',
		redirect: init.redirect,
	});
	return answer(init);
};
const outside: Outside = { fetch: farEnd, open: farEnd, networks: [], version: 'test', patience_ms: 50 };
const deliver = (now: number, to: Outside = outside) =>
	deliverWebhooks(
		ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { now: () => now }),
		to,
		sealerOf(env.UHUB_SECRET),
	);

beforeAll(async () => {
	[admin, owner, dev, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('projets'),
	]);
	p = await project(owner, [[dev, 'manage']]);
	other = await project(admin);
});
beforeEach(async () => {
	received = [];
	answer = () => Promise.resolve(new Response('thanks'));
	vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
		farEnd(input instanceof Request ? input.url : input.toString(), init ?? {}),
	);
	await env.DB.exec('delete from webhook_deliveries');
	await env.DB.exec('delete from webhooks');
});
afterEach(() => vi.restoreAllMocks());

const body = (fields: object = {}) => ({
	project_id: p,
	name: fresh('hook '),
	url: URL_OUTSIDE,
	events: ['incident.opened'],
	...fields,
});
const hook = (fields: object = {}, who = owner) => who.ok('POST', '/api/webhooks', body(fields));
const at = (row: Row) => `/api/webhooks/${String(idOf(row))}`;
const open = (project_id = p) =>
	admin.ok('POST', `/api/projects/${String(project_id)}/incidents`, { title: fresh('down '), severity: 'high' });
const deliveries = async (row: Row, query = '') =>
	(await admin.ok('GET', `${at(row)}/deliveries${query}`)).items as Delivery[];
/** The one delivery of a webhook, once it is as it should be: what is sent after an answer is not waited for by it. */
const delivery = (row: Row, fits: (one: Delivery) => boolean) =>
	vi.waitFor(async () => {
		const [one] = await deliveries(row);
		if (!one || !fits(one)) throw new Error(`not yet: ${JSON.stringify(one)}`);
		return one;
	}, PATIENCE_MS);
const tried = (row: Row, tries: number) => delivery(row, (one) => one.attempts.length === tries);

async function signed({ headers, body }: (typeof received)[number], secret: string): Promise<boolean> {
	const bytes = Uint8Array.from(atob(secret.slice('whsec_'.length)), (c) => c.charCodeAt(0));
	const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
	const [version, signature = ''] = (headers.get('webhook-signature') ?? '').split(',');
	const text = `${String(headers.get('webhook-id'))}.${String(headers.get('webhook-timestamp'))}.${body}`;
	const given = Uint8Array.from(atob(signature), (c) => c.charCodeAt(0));
	return version === 'v1' && crypto.subtle.verify('HMAC', key, given, new TextEncoder().encode(text));
}

describe('a webhook', () => {
	it('shows its secret once, has its fields, and is changed with its version', async () => {
		const made = await hook();
		expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
		const { secret, ...row } = made;
		expect(await owner.ok('GET', at(made))).toEqual(row);
		expectFields(row, { name: 'str', url: 'str', events: 'json', status: ['active'], version: 'int' });
		const rotated = await owner.ok('POST', `${at(made)}/secret`, {});
		expect(rotated.secret).not.toBe(secret);
		expect(await owner.call('PATCH', at(made), { body: { status: 'paused' }, headers: ifMatch(made) })).toMatchObject({
			status: 412,
		});
		const paused = await owner.ok(
			'PATCH',
			at(made),
			{ status: 'paused', url: 'https://else.example.com/x' },
			ifMatch(rotated),
		);
		expect(paused).toMatchObject({ status: 'paused', version: 3 });
		expect((await owner.call('DELETE', at(made), { headers: ifMatch(paused) })).status).toBe(204);
		expect((await owner.call('GET', at(made))).status).toBe(404);

		const audit = JSON.stringify(
			await admin.ok('GET', `/api/audit?object_type=Webhook&object_id=${String(idOf(made))}`),
		);
		for (const action of ['create', 'rotate', 'update', 'delete']) expect(audit).toContain(`webhook.${action}`);
		expect(audit).toContain('hooks.example.com');
		expect(audit).not.toMatch(/whsec_|s3cret/);
	});

	it('keeps its secret sealed', async () => {
		const made = await hook();
		const kept = JSON.stringify((await env.DB.prepare('select * from webhooks').all()).results);
		expect(kept).not.toContain(String(made.secret).slice(6));
		for (const path of [at(made), `/api/webhooks?project_id=${String(p)}`, `${at(made)}/deliveries`])
			expect(JSON.stringify(await owner.ok('GET', path)), path).not.toMatch(/secret"|whsec_/);
	});

	it('is its owner’s; one of the whole hub an admin’s, and nobody else’s to know of', async () => {
		const mine = await hook();
		const everywhere = await hook({ project_id: null }, admin);
		expect((await dev.call('GET', at(mine))).status).toBe(403);
		for (const method of ['GET', 'PATCH', 'DELETE'])
			for (const [who, row] of [
				[stranger, mine],
				[owner, everywhere],
				[dev, everywhere],
			] as const) {
				const options = { ...(method === 'PATCH' && { body: {} }), headers: ifMatch(row) };
				expect((await who.call(method, at(row), options)).status, method).toBe(404);
			}
		expect((await owner.call('POST', '/api/webhooks', { body: body({ project_id: null }) })).status).toBe(403);
		expect((await stranger.call('POST', '/api/webhooks', { body: body() })).status).toBe(404);
		expect((await owner.call('GET', '/api/webhooks')).status).toBe(403);
		expect(((await owner.ok('GET', `/api/webhooks?project_id=${String(p)}`)).items as Row[]).map(idOf)).toEqual([
			idOf(mine),
		]);
		expect(((await admin.ok('GET', '/api/webhooks?project_id=none')).items as Row[]).map(idOf)).toEqual([
			idOf(everywhere),
		]);
		expect((await admin.ok('GET', '/api/webhooks')).items).toHaveLength(2);
	});

	it('is refused where it makes no sense', async () => {
		await expectRefused(owner, `/api/webhooks?project_id=${String(p)}`, [
			[body({ project_id: undefined }), 'project_id'],
			[body({ name: ' ' }), 'name'],
			[body({ events: [] }), 'events'],
			[body({ events: ['ping'] }), 'events.0'],
			[body({ events: ['run.ended', 'run.ended'] }), 'events'],
			[body({ status: 'disabled' }), 'status'],
			[body({ secret: 'whsec_mine' }), ''],
			[body({ url: 'ftp://example.com' }), 'url'],
			[body({ url: 'https://user:pass@example.com' }), 'url'],
			[body({ url: 'https://example.com/\r\nx-evil: 1' }), 'url'],
		]);
	});

	it('30: leads to no private, loopback, link-local or metadata address, however it is written', async () => {
		await expectRefused(
			admin,
			'/api/webhooks',
			[
				'http://example.com/',
				'https://localhost/',
				'https://127.0.0.1/',
				'https://2130706433/',
				'https://0x7f.1/',
				'https://0177.0.0.1/',
				'https://10.1.2.3/',
				'https://172.20.0.1/',
				'https://192.168.1.1/',
				'https://169.254.169.254/latest/meta-data',
				'https://100.100.100.200/',
				'https://[::1]/',
				'https://[::ffff:10.0.0.1]/',
				'https://[fe80::1]/',
				'https://[fd00::1]/',
				'https://metadata.google.internal/',
				'https://hub.local/',
				'https://intranet/',
			].map((url) => [body({ project_id: null, url }), 'url'] as const),
		);
		// Nor when the row says so by itself: it is looked at again before each attempt.
		const made = await hook();
		await env.DB.prepare('update webhooks set url = ? where id = ?').bind('https://169.254.169.254/', idOf(made)).run();
		await owner.ok('POST', `${at(made)}/ping`, {});
		expect((await tried(made, 1)).attempts[0]).toMatchObject({ error: 'address', status: null });
		expect(received).toEqual([]);
	});

	it('goes with its project, and holds it back from nothing', async () => {
		const made = await admin.ok('POST', '/api/projects', { name: fresh('short ') });
		await hook({ project_id: made.id }, admin);
		expect((await admin.call('DELETE', `/api/projects/${String(idOf(made))}`, { headers: ifMatch(made) })).status).toBe(
			204,
		);
		expect((await admin.ok('GET', '/api/webhooks')).items).toEqual([]);
	});
});

describe('what is told', () => {
	it('is signed, says what happened, and is logged', async () => {
		const made = await hook();
		const incident = await open();
		const one = await delivery(made, ({ status }) => status === 'delivered');
		expect(one).toMatchObject({
			event: 'incident.opened',
			tries: 1,
			next_at: null,
			attempts: [{ status: 200, error: null, excerpt: 'thanks' }],
		});
		const [letter] = received;
		if (!letter) throw new Error('nothing was sent');
		expect(letter).toMatchObject({ url: URL_OUTSIDE, redirect: 'manual' });
		expect(letter.headers.get('webhook-id')).toBe(one.key);
		expect(letter.headers.get('uhub-event')).toBe('incident.opened');
		expect(await signed(letter, String(made.secret))).toBe(true);
		expect(await signed({ ...letter, body: `${letter.body} ` }, String(made.secret))).toBe(false);
		expect(JSON.parse(letter.body)).toEqual({
			id: one.key,
			event: 'incident.opened',
			action: 'incident.create',
			at: expect.stringMatching(/Z$/),
			project: { id: p, name: expect.any(String) },
			actor: { kind: 'user', id: admin.id },
			object_type: 'Incident',
			object_id: incident.id,
			object: {
				id: incident.id,
				title: incident.title,
				severity: 'high',
				status: 'open',
				environment_id: null,
				commander_id: null,
				detected_at: incident.detected_at,
				acknowledged_at: null,
				mitigated_at: null,
				resolved_at: null,
				closed_at: null,
			},
		});
	});

	it('is what was chosen, of its project, while it is on; a hub’s is told of all', async () => {
		const [chosen, elsewhere, paused, changes, everywhere] = await Promise.all([
			hook(),
			hook({ project_id: other }, admin),
			hook({ status: 'paused' }),
			hook({ events: ['incident.changed'] }),
			hook({ project_id: null, events: ['incident.opened', 'incident.changed', 'freeze.changed'] }, admin),
		]);
		const incident = await open();
		await admin.ok('POST', `/api/incidents/${String(idOf(incident))}/resolve`, {});
		const freeze = await admin.ok('POST', '/api/freezes', {
			project_id: null,
			title: 'all',
			reason: 'r',
			start: '2030-01-01T00:00:00Z',
			end: '2030-01-02T00:00:00Z',
		});
		await admin.call('DELETE', `/api/freezes/${String(idOf(freeze))}`, { headers: ifMatch(freeze) });
		const events = async (row: Row) =>
			(await deliveries(row)).map(({ event, payload }) => `${event} ${String(payload.action)}`);
		expect(await events(chosen)).toEqual(['incident.opened incident.create']);
		expect(await events(elsewhere)).toEqual([]);
		expect(await events(paused)).toEqual([]);
		expect(await events(changes)).toEqual(['incident.changed incident.resolve']);
		expect(await events(everywhere)).toEqual([
			'freeze.changed freeze.delete',
			'freeze.changed freeze.create',
			'incident.changed incident.resolve',
			'incident.opened incident.create',
		]);
		const [gone] = await deliveries(everywhere, '?limit=1');
		expect(gone?.payload).toMatchObject({ object: null, object_id: freeze.id, project: null });
	});

	it('of a run: that it was asked for', async () => {
		const made = await hook({ events: ['run.queued'] });
		const { id } = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'ship',
			job_type: 'dev',
			script_ids: [id],
		});
		const run = await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		expect((await delivery(made, () => true)).payload).toMatchObject({
			object: { id: run.id, status: 'queued', job_title: 'ship', requested_at: run.requested_at, finished_at: null },
		});
	});

	it('is nothing where nothing happened', async () => {
		const made = await hook();
		expect((await owner.call('POST', `/api/projects/${String(p)}/incidents`, { body: { title: '' } })).status).toBe(
			400,
		);
		const key = { 'idempotency-key': crypto.randomUUID() };
		const again = () =>
			admin.call('POST', `/api/projects/${String(p)}/incidents`, { body: { title: 'once' }, headers: key });
		await again();
		expect((await again()).headers.get('idempotency-replayed')).toBe('true');
		expect(await deliveries(made)).toHaveLength(1);
	});
});

describe('a far end that is bad', () => {
	/** Fails at the first attempt, made after the change's answer. */
	async function failing(status = 500): Promise<Row> {
		answer = () => Promise.resolve(new Response('no\u0000pe', { status }));
		const made = await hook();
		await open();
		await tried(made, 1);
		return made;
	}

	it('is tried again, later and later, and then given up', async () => {
		const made = await failing();
		const waits: number[] = [];
		let now = Date.now();
		for (let tries = 1; ; tries++) {
			const one = await tried(made, tries);
			expect(one).toMatchObject({ tries, attempts: { length: tries } });
			if (one.next_at === null) break;
			waits.push(Math.round((Date.parse(one.next_at) - now) / 60_000));
			now = Date.parse(one.next_at);
			await deliver(now - 1);
			expect((await deliveries(made))[0]?.attempts).toHaveLength(tries);
			await deliver(now);
		}
		expect(waits).toEqual([1, 5, 30, 120, 360, 720, 1440]);
		const [one] = await deliveries(made);
		expect(one).toMatchObject({ status: 'failed', tries: 8 });
		expect(one?.attempts.at(-1)).toMatchObject({ status: 500, error: 'refused', excerpt: 'no�pe' });
		expect(new Set(received.map(({ headers }) => headers.get('webhook-id'))).size).toBe(1);
	});

	it('is turned off when nothing has arrived for two days, which is audited; turned on it goes on', async () => {
		const made = await failing();
		const { failing_since } = await owner.ok('GET', at(made));
		const since = Date.parse(String(failing_since));
		await deliver(since + 47 * HOUR);
		expect(await owner.ok('GET', at(made))).toMatchObject({ status: 'active', failing_since });
		await deliver(since + 49 * HOUR);
		const off = await owner.ok('GET', at(made));
		expect(off).toMatchObject({ status: 'disabled', disabled_reason: 'failing', version: 2 });
		const { items } = await admin.ok('GET', `/api/audit?object_type=Webhook&object_id=${String(idOf(made))}`);
		expect((items as Row[])[0]).toMatchObject({ action: 'webhook.disable', actor_kind: 'system' });
		await open();
		expect(await deliveries(made)).toHaveLength(1);
		expect((await owner.call('POST', `${at(made)}/ping`, { body: {} })).status).toBe(409);
		answer = () => Promise.resolve(new Response('back'));
		const on = await owner.ok('PATCH', at(made), { status: 'active' }, ifMatch(off));
		expect(on).toMatchObject({ status: 'active', disabled_reason: null, failing_since: null });
		await deliver(since + 80 * HOUR);
		expect((await deliveries(made))[0]).toMatchObject({ status: 'delivered' });
	});

	it('that says it is gone is turned off at once', async () => {
		const made = await failing(410);
		await vi.waitFor(async () => {
			expect(await owner.ok('GET', at(made))).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
		}, PATIENCE_MS);
	});

	it('30: that redirects is not followed', async () => {
		answer = () =>
			Promise.resolve(new Response(null, { status: 307, headers: { location: 'http://169.254.169.254/' } }));
		const made = await hook();
		await open();
		expect((await tried(made, 1)).attempts[0]).toMatchObject({ status: 307, error: 'redirect' });
		expect(received).toHaveLength(1);
	});

	it('that does not answer is left, that answers without an end is not listened to', async () => {
		answer = () => Promise.resolve(new Response('no', { status: 500 }));
		const made = await hook();
		await open();
		const { next_at } = await tried(made, 1);
		const now = Date.parse(String(next_at));
		answer = ({ signal }) =>
			new Promise((_, reject) => {
				signal?.addEventListener('abort', () => {
					reject(signal.reason as Error);
				});
			});
		await deliver(now);
		expect((await tried(made, 2)).attempts[1]).toMatchObject({ status: null, error: 'timeout' });
		let canceled = false;
		answer = () =>
			Promise.resolve(
				new Response(
					new ReadableStream({
						pull: (controller) => {
							controller.enqueue(new TextEncoder().encode('x'.repeat(1000)));
						},
						cancel: () => {
							canceled = true;
						},
					}),
				),
			);
		await deliver(now + HOUR);
		const { attempts } = await tried(made, 3);
		expect(attempts[2]).toMatchObject({ status: 200, error: null, excerpt: 'x'.repeat(1000) });
		expect(canceled).toBe(true);
	});

	it('does not hold up the others; two senders at once send each once', async () => {
		const made = await Promise.all([hook(), hook(), hook()]);
		await env.DB.exec("update webhooks set status = 'paused'");
		await env.DB.exec("update webhooks set status = 'active'");
		answer = () => Promise.resolve(new Response('no', { status: 500 }));
		await Promise.all([open(), open()]);
		await vi.waitFor(async () => {
			for (const row of made) expect((await deliveries(row)).map(({ attempts }) => attempts.length)).toEqual([1, 1]);
		}, PATIENCE_MS);
		received = [];
		answer = () => Promise.resolve(new Response('ok'));
		const later = Date.now() + HOUR;
		await Promise.all([deliver(later), deliver(later), deliver(later)]);
		expect(received).toHaveLength(6);
		expect(new Set(received.map(({ headers }) => headers.get('webhook-id'))).size).toBe(6);
	});

	it('is sent the same again, under the same name, when somebody replays it', async () => {
		const made = await hook();
		await open();
		const one = await delivery(made, ({ status }) => status === 'delivered');
		const replay = `${at(made)}/deliveries/${String(idOf(one))}/replay`;
		expect((await dev.call('POST', replay, { body: {} })).status).toBe(403);
		expect(await owner.ok('POST', replay, {})).toMatchObject({ id: one.id, key: one.key });
		await delivery(made, ({ attempts }) => attempts.length === 2);
		expect(received).toHaveLength(2);
		expect(received[1]?.body).toBe(received[0]?.body);
		const elsewhere = await hook({ project_id: other }, admin);
		expect(
			(await admin.call('POST', `${at(elsewhere)}/deliveries/${String(idOf(one))}/replay`, { body: {} })).status,
		).toBe(404);
	});

	it('fills no table: the log keeps the latest', async () => {
		const made = await hook();
		await env.DB.prepare(
			`with recursive n(i) as (select 1 union all select i + 1 from n where i < 600)
			insert into webhook_deliveries (webhook_id, key, event, payload, status, created_at)
			select ?, 'old_' || i, 'ping', '{}', 'delivered', 0 from n`,
		)
			.bind(idOf(made))
			.run();
		await owner.ok('POST', `${at(made)}/ping`, {});
		await delivery(made, ({ status }) => status === 'delivered');
		expect(await env.DB.prepare('select count(*) as n from webhook_deliveries').first('n')).toBe(500);
	});
});
