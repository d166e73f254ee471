import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { COLLECT_MS, HOURLY_MAX } from '#domain/mail-digest.ts';
import { LISTED_MAX } from '#domain/mail-text.ts';
import type { Mail } from '#domain/mail.ts';
import { app } from '#worker/app.ts';
import { outsideOf } from '#worker/outside.ts';
import type { Ctx } from '#worker/services/context.ts';
import { MailRequest } from '#protocol/mail-request.ts';
import { deliverMails, type MailPort } from '#worker/services/mails/deliver.ts';
import { oldMails } from '#worker/services/mails/rows.ts';
import { mailSettings } from '#worker/services/mails/settings.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { type Answer, type Caller, ctxFor, fresh, insert, ORIGIN, person, project } from './api-world.ts';

// What people are told by e-mail, through a provider: to whom, when, how often, and what becomes of it.

const MAIL = {
	UHUB_MAIL_URL: 'https://api.mail.example.com/send',
	UHUB_MAIL_KEY: 'the key of the provider',
	UHUB_MAIL_FROM: 'uHub <hub@example.org>',
};
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T0 = Date.parse('2026-11-29T12:00:00Z');

interface Sent {
	to: string[];
	subject: string;
	text: string;
	headers: Record<string, string>;
}

let admin: Caller, owner: Caller, dev: Caller;
let p: number;
let answer: () => Response = () => new Response('{"id":1}');
let requests: { url: string; headers: Headers; body: string }[] = [];

beforeAll(async () => {
	[admin, owner, dev] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev', { email: 'dev@example.org' }),
	]);
	p = await project(owner, [[dev, 'contribute']]);
});
beforeEach(async () => {
	for (const table of ['notifications', 'notification_choices', 'mails', 'login_attempts'])
		await env.DB.exec(`delete from ${table}`);
	answer = () => new Response('{"id":1}');
	requests = [];
	vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
		const request = new Request(input, init);
		requests.push({ url: request.url, headers: request.headers, body: String(init?.body) });
		return Promise.resolve(answer());
	});
});

const sent = () => requests.map(({ body }) => JSON.parse(body) as Sent);
const settings = mailSettings(MAIL, ORIGIN, []);
const at = (now: number, more: Partial<Ctx> = {}) =>
	ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { now: () => now, mail: () => settings, ...more });
const port = {
	outside: outsideOf(env),
	sealer: sealerOf(env.UHUB_SECRET),
	relay: () => Promise.resolve(null),
};
const deliver = (now: number) => deliverMails(at(now), port);

/** A request to a hub that sends mails; what it does afterwards is waited for. */
async function ask(who: Caller, method: string, path: string, body?: object): Promise<Answer> {
	const execution = createExecutionContext();
	const request = new Request(`${ORIGIN}${path}`, {
		method,
		headers: { cookie: who.cookie, origin: ORIGIN, 'content-type': 'application/json', 'if-match': '*' },
		...(body && { body: JSON.stringify(body) }),
	});
	const response = await app.fetch(request, { ...env, ...MAIL }, execution);
	await waitOnExecutionContext(execution);
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}
const stateOf = async (who: Caller) =>
	(await ask(who, 'GET', '/api/me/notification-preferences')).body.mail as { confirmed: boolean; latest: Mail[] };

/** Something the person was told, and chose to be mailed of. */
const note = (who: Caller, created: number, fields: object = {}) =>
	env.DB.prepare(
		`insert into notifications (user_id, event, project_id, object_type, object_id, about, dedupe_key, page, browser, webhook, mail_due_at, created_at)
			values (?, ?, ?, 'Run', 1, ?, ?, 1, 0, 0, ?, ?)`,
	)
		.bind(
			who.id,
			...Object.values({
				event: 'run.failed',
				project_id: p,
				about: JSON.stringify({ title: 'ship', project: 'App' }),
				key: fresh('key'),
				...fields,
			}),
			created + COLLECT_MS,
			created,
		)
		.run();

async function setEmail(who: Caller, email: string | null) {
	const { body } = await ask(who, 'GET', '/api/auth/me');
	await who.ok('PATCH', '/api/me', { email }, { 'if-match': `"v${String(body.version)}"` });
}

describe('what happens', () => {
	it('is mailed where it was chosen, a minute later, with a way to end it', async () => {
		await dev.ok('PUT', '/api/me/notification-preferences', { channels: { 'incident.opened': ['mail'] } });
		await owner.ok('POST', `/api/projects/${String(p)}/incidents`, { title: 'down', severity: 'high' });
		await deliver(Date.now());
		expect(requests).toEqual([]);
		await deliver(Date.now() + COLLECT_MS);
		expect(sent()).toEqual([
			{
				from: MAIL.UHUB_MAIL_FROM,
				to: ['dev@example.org'],
				subject: '[uHub] Incident (high): down',
				text: expect.stringContaining(`${ORIGIN}/incidents/`),
				html: expect.stringContaining('<a href='),
				headers: {
					'Message-ID': expect.stringMatching(/^<[0-9a-f-]{36}@hub\.test>$/),
					'List-Unsubscribe': `<${ORIGIN}/profile/notifications>`,
				},
			},
		]);
		expect(requests[0]?.url).toBe(MAIL.UHUB_MAIL_URL);
		expect(requests[0]?.headers.get('authorization')).toBe(`Bearer ${MAIL.UHUB_MAIL_KEY}`);
		// It was not chosen to be shown behind the bell.
		expect((await dev.ok('GET', '/api/me/notifications')).items).toEqual([]);
		await deliver(Date.now() + HOUR);
		expect(requests).toHaveLength(1);
		expect((await stateOf(dev)).latest[0]).toMatchObject({ status: 'sent', attempts: [{ error: null }] });
	});

	it('goes together, also what came a moment ago; many are counted', async () => {
		await note(dev, T0);
		await note(dev, T0 + 50_000, { event: 'run.ended' });
		await deliver(T0 + MINUTE);
		expect(sent().map(({ subject }) => subject)).toEqual(['[uHub] 2 things you are told of']);
		for (let i = 0; i < LISTED_MAX + 5; i++) await note(dev, T0 + HOUR);
		await deliver(T0 + HOUR + MINUTE);
		expect(sent()[1]).toMatchObject({ subject: `[uHub] ${String(LISTED_MAX + 5)} things you are told of` });
		expect(sent()[1]?.text).toContain('and 5 more');
	});

	it('floods nobody: so many an hour, the rest in one', async () => {
		for (let i = 0; i < HOURLY_MAX + 3; i++) {
			await note(dev, T0 + i * 2 * MINUTE);
			await deliver(T0 + i * 2 * MINUTE + MINUTE);
		}
		expect(requests).toHaveLength(HOURLY_MAX);
		await deliver(T0 + HOUR + 2 * MINUTE);
		expect(sent()[HOURLY_MAX]?.subject).toBe('[uHub] 3 things you are told of');
	});

	it('waits for the end of quiet hours', async () => {
		const quiet = { start: '22:00', end: '07:00', time_zone: 'Europe/Paris' };
		await dev.ok('PUT', '/api/me/notification-preferences', { quiet });
		const night = Date.parse('2026-11-29T23:00:00Z');
		await note(dev, night);
		await deliver(night + MINUTE);
		expect(requests).toEqual([]);
		await deliver(Date.parse('2026-11-30T06:00:00Z'));
		expect(requests).toHaveLength(1);
	});

	it('is mailed once, whoever makes and sends mails at the same time', async () => {
		await note(dev, T0);
		await Promise.all([deliver(T0 + MINUTE), deliver(T0 + MINUTE), deliver(T0 + MINUTE)]);
		expect(requests).toHaveLength(1);
	});

	it('1 4: is not mailed to who may no longer see it, or was deactivated, however long it has waited', async () => {
		const gone = await person('dev', { email: 'gone@example.org' });
		const barred = await person('dev', { email: 'barred@example.org' });
		await note(gone, T0, { event: 'test', project_id: null });
		answer = () => new Response('', { status: 500 });
		await deliver(T0 + MINUTE);
		await note(barred, T0);
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(gone.id).run();
		requests = [];
		await deliver(T0 + HOUR);
		expect(requests).toEqual([]);
		const { results } = await env.DB.prepare('select status from mails').all();
		expect(results).toEqual([{ status: 'failed' }]);
	});

	it('waits for nothing where the hub sends no mails', async () => {
		await note(dev, T0);
		await deliverMails(at(T0 + MINUTE, { mail: () => mailSettings({}, ORIGIN, []) }), port);
		await deliver(T0 + HOUR);
		expect(requests).toEqual([]);
		expect((await dev.ok('GET', '/api/me/notification-preferences')).mail).toMatchObject({ ready: false });
	});
});

describe('what does not arrive', () => {
	it('is tried again later under the same name, and shown to its person and to admins without the key', async () => {
		answer = () => new Response(`bad key ${MAIL.UHUB_MAIL_KEY}\n`, { status: 401 });
		await note(dev, T0);
		await deliver(T0 + MINUTE);
		const [one] = (await stateOf(dev)).latest;
		expect(one).toMatchObject({ status: 'pending', attempts: [{ error: 'auth', detail: '401 bad key ***' }] });
		const { mails } = (await ask(admin, 'GET', '/api/hub/status')).body as { mails: Record<string, unknown> };
		expect(mails).toMatchObject({
			way: 'provider',
			problems: [],
			waiting: 1,
			failures: [{ error: 'auth', status: 'pending' }],
		});
		answer = () => new Response('ok');
		await deliver(T0 + 3 * MINUTE);
		expect(requests.map(({ headers }) => headers.get('idempotency-key'))).toEqual([
			expect.any(String),
			requests[0]?.headers.get('idempotency-key'),
		]);
		expect((await stateOf(dev)).latest[0]).toMatchObject({ status: 'sent' });
	});

	it('is given up in the end, and forgotten after a month', async () => {
		answer = () => new Response('', { status: 503 });
		await note(dev, T0);
		for (let now = T0; now < T0 + 72 * HOUR; now += HOUR / 2) await deliver(now);
		const [mail] = (await stateOf(dev)).latest;
		expect(mail).toMatchObject({ status: 'failed', next_at: null });
		expect(mail?.attempts).toHaveLength(8);
		await oldMails(at(T0 + 24 * 31 * HOUR));
		expect((await stateOf(dev)).latest).toEqual([]);
	});
});

describe('through an agent', () => {
	const way = { kind: 'agent' as const, hub: ORIGIN, agent: 'postman' };
	const asked = vi.fn<MailPort['relay']>();
	const pass = (now: number) =>
		deliverMails(at(now, { mail: () => ({ way, problems: [] }) }), { ...port, relay: asked });

	it('is asked of the one that is named, while it is here, as data; it is told what it says', async () => {
		await note(dev, T0);
		await pass(T0 + MINUTE);
		expect((await stateOf(dev)).latest[0]?.attempts).toMatchObject([{ error: 'no_agent', detail: 'postman' }]);
		expect(asked).not.toHaveBeenCalled();
		const agent = { name: 'postman', public_key: 'k', fingerprint: 'f', capacity: 1, agent_version: '1', labels: '{}' };
		const id = await insert('agents', { ...agent, status: 'online' });
		asked.mockResolvedValueOnce(null).mockResolvedValueOnce({ error: 'uncertain', detail: 'd' });
		await pass(T0 + HOUR);
		await pass(T0 + 2 * HOUR);
		const mail = { to: 'dev@example.org', locale: 'en', hub: ORIGIN, letter: { kind: 'told', more: 0 } };
		expect(asked.mock.calls).toMatchObject([
			[id, expect.any(String), mail],
			[id, asked.mock.calls[0]?.[1], mail],
		]);
		expect(MailRequest.safeParse(asked.mock.calls[0]?.[2]).success).toBe(true);
		const [one] = (await stateOf(dev)).latest;
		expect(one?.attempts.map(({ error }) => error)).toEqual(['no_agent', 'no_agent', 'uncertain']);
		// What may have been taken is not sent again.
		expect(one).toMatchObject({ status: 'failed', next_at: null });
		expect(requests).toEqual([]);
	});
});

describe('an address', () => {
	it('that people give themselves is sent nothing but a link, until they follow it', async () => {
		const who = await person('ops');
		expect((await ask(who, 'POST', '/api/me/email/check', {})).status).toBe(409);
		await setEmail(who, 'me@example.org');
		expect(await stateOf(who)).toMatchObject({ confirmed: false });
		await note(who, T0, { event: 'test', project_id: null });
		await deliver(T0 + MINUTE);
		expect(requests).toEqual([]);

		expect((await ask(who, 'POST', '/api/me/email/check', {})).status).toBe(204);
		expect(sent()).toMatchObject([{ to: ['me@example.org'], subject: '[uHub] Confirm this address' }]);
		const token = /confirm=([\w-]+)/.exec(sent()[0]?.text ?? '')?.[1] ?? '';
		const confirm = (by: Caller, text = token) => ask(by, 'POST', '/api/me/email/confirm', { token: text });
		expect(await confirm(who, `${token.slice(0, -2)}AA`)).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'token' }] },
		});
		// Another person's link proves nothing.
		expect((await confirm(dev)).status).toBe(400);
		expect((await confirm(who)).status).toBe(204);
		expect((await confirm(who)).status).toBe(204);
		expect(await stateOf(who)).toMatchObject({ confirmed: true });
		expect((await ask(who, 'POST', '/api/me/email/check', {})).status).toBe(409);

		await note(who, T0 + HOUR, { event: 'test', project_id: null });
		await deliver(T0 + 2 * HOUR);
		expect(sent()[1]).toMatchObject({ to: ['me@example.org'] });

		// Another one is another one.
		await setEmail(who, 'other@example.org');
		expect(await stateOf(who)).toMatchObject({ confirmed: false });
		expect((await confirm(who)).status).toBe(409);
	});

	it('is asked about three times, then not for a while', async () => {
		const who = await person('ops');
		await setEmail(who, 'slow@example.org');
		const asked = [];
		for (let i = 0; i < 4; i++) asked.push((await ask(who, 'POST', '/api/me/email/check', {})).status);
		expect(asked).toEqual([204, 204, 204, 429]);
		expect(requests).toHaveLength(3);
	});

	it('that an admin gave is one', async () => {
		const who = await person('ops');
		await setEmail(who, 'own@example.org');
		await admin.ok('PATCH', `/api/users/${String(who.id)}`, { email: 'given@example.org' }, { 'if-match': '"v2"' });
		expect(await stateOf(who)).toMatchObject({ confirmed: true });
	});

	it('is tried out by a button, at once and also in quiet hours', async () => {
		const quiet = { start: '00:00', end: '23:59', time_zone: 'UTC' };
		await dev.ok('PUT', '/api/me/notification-preferences', { quiet });
		expect((await ask(dev, 'POST', '/api/me/notifications/test', {})).status).toBe(204);
		expect(sent()).toMatchObject([{ to: ['dev@example.org'], subject: '[uHub] This is a test: it arrives' }]);
	});

	it('11: is confirmed by a person, not by a token', async () => {
		const { token } = await dev.ok('POST', '/api/tokens', { name: fresh('t'), scopes: ['read', 'write'] });
		for (const path of ['/api/me/email/check', '/api/me/email/confirm']) {
			const response = await app.fetch(
				new Request(`${ORIGIN}${path}`, {
					method: 'POST',
					headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' },
					body: JSON.stringify(path.endsWith('check') ? {} : { token: 'x'.repeat(40) }),
				}),
				{ ...env, ...MAIL },
				createExecutionContext(),
			);
			expect(response.status, path).toBe(403);
		}
	});
});

it('a crowd is mailed, everybody once', async () => {
	await env.DB.exec(
		`insert into users (username, role, email, created_at, updated_at) with recursive n(i) as (select 1 union all select i + 1 from n where i < 120)
			select 'crowd-' || i, 'ops', 'crowd-' || i || '@example.org', 1, 1 from n`.replaceAll(/\s+/g, ' '),
	);
	await env.DB.prepare(
		`insert into notifications (user_id, event, object_type, object_id, about, dedupe_key, page, browser, webhook, mail_due_at, created_at)
			select id, 'test', 'User', id, '{"title":"x","project":null}', 'crowd', 1, 0, 0, ?1, ?1 from users where username like 'crowd-%'`,
	)
		.bind(T0)
		.run();
	await deliver(T0);
	expect(new Set(sent().flatMap(({ to }) => to)).size).toBe(120);
	expect(requests).toHaveLength(120);
});
