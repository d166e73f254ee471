import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Mailed } from '#domain/mail.ts';
import { mailText } from '#domain/mail-text.ts';
import type { SMTPServerOptions } from 'smtp-server';
import { Mailer } from '#agent/mail/index.ts';
import { MailLedger } from '#agent/mail/ledger.ts';
import { sendBySmtp, tryServer } from '#agent/mail/smtp.ts';
import { MailPolicy } from '#agent/policy/mail.ts';
import { Api } from '../support/api.ts';
import { Authority } from '../support/certificates.ts';
import { type TestHub, startHub } from '../support/hub.ts';
import { type RealAgent, realAgent } from '../support/real-agent.ts';
import { headOf, mailServer, type MailServer } from '../support/smtp.ts';

// Mails through an agent, over real connections to a real mail server.

const HUB = 'https://hub.example.org';
const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-mail-'));
const own = (name: string) => path.join(dir, name);
const authority = new Authority();
const certificate = authority.issue('IP:127.0.0.1', 'DNS:mail.test');
const open: MailServer[] = [];

beforeAll(() => {
	writeFileSync(own('user'), 'hub\n');
	writeFileSync(own('password'), 'right\n');
	writeFileSync(own('wrong'), 'wrong\n');
});
afterEach(async () => {
	await Promise.all(open.splice(0).map((server) => server.close()));
});
afterAll(() => {
	authority.remove();
	rmSync(dir, { recursive: true });
});

async function server(options: SMTPServerOptions = {}): Promise<MailServer> {
	const one = await mailServer({ ...certificate, ...options });
	open.push(one);
	return one;
}
const policyFor = (port: number, more: object = {}): MailPolicy =>
	MailPolicy.parse({
		...{ host: '127.0.0.1', port, ca: authority.ca, from: 'hub@example.org', domains: ['example.org'] },
		...{ user: `file:${own('user')}`, password: `file:${own('password')}` },
		...more,
	});

const about = (title: string) => ({
	...{
		event: 'run.failed' as const,
		object_type: 'Run' as const,
		object_id: 7,
		created_at: '2026-11-29T08:00:00.000Z',
	},
	about: { title, project: 'App' },
});
const letter = (title = 'ship') => ({ kind: 'told' as const, told: [about(title)], more: 0 });
const mail = (more: object = {}) => ({
	...mailText(letter(), 'fr', HUB),
	...{ to: 'ada@example.org', message_id: `<${randomUUID()}@hub.example.org>` },
	...more,
});

describe('the server', () => {
	it('is handed a mail over TLS, signed in, as text and as HTML', async () => {
		const { port, taken } = await server();
		const sent = mail();
		expect(await sendBySmtp(policyFor(port), sent)).toEqual({ error: null, detail: '' });
		expect(taken).toMatchObject([{ from: 'hub@example.org', to: ['ada@example.org'], secure: true, user: 'hub' }]);
		const [{ raw } = { raw: '' }] = taken;
		const head = headOf(raw);
		expect(head.get('from')).toBe('uHub <hub@example.org>');
		expect(head.get('to')).toBe('ada@example.org');
		expect(head.get('message-id')).toBe(sent.message_id);
		expect(head.get('list-unsubscribe')).toBe(`<${HUB}/profile/notifications>`);
		expect(head.get('auto-submitted')).toBe('auto-generated');
		expect(head.get('subject')).toMatch(/^=\?UTF-8\?Q\?/);
		expect(head.get('content-type')).toMatch(/^multipart\/alternative;/);
		for (const part of ['text/plain; charset=utf-8', 'text/html; charset=utf-8']) expect(raw).toContain(part);
		const implicit = await server({ secure: true });
		expect(await sendBySmtp(policyFor(implicit.port, { security: 'tls' }), mail())).toMatchObject({ error: null });
		expect(implicit.taken).toMatchObject([{ secure: true }]);
	});

	it('is told nothing, and no password, where the connection is not as safe as it must be', async () => {
		const onAuth = vi.fn<NonNullable<SMTPServerOptions['onAuth']>>((_, __, done) => {
			done(null, { user: 'anybody' });
		});
		const plain = await server({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth });
		expect(await sendBySmtp(policyFor(plain.port), mail())).toMatchObject({ error: 'tls' });
		const { port, taken } = await server();
		expect(await sendBySmtp(policyFor(port, { ca: null }), mail())).toMatchObject({ error: 'tls' });
		expect(await sendBySmtp(policyFor(port, { server_name: 'other.test' }), mail())).toMatchObject({ error: 'tls' });
		expect(await sendBySmtp(policyFor(port, { server_name: 'mail.test' }), mail())).toMatchObject({ error: null });
		expect([plain.taken.length, taken.length]).toEqual([0, 1]);
		expect(onAuth).not.toHaveBeenCalled();
	});

	it('says no, and it is told as what it is', async () => {
		const refuse = (responseCode: number) => Object.assign(new Error('not here'), { responseCode });
		const at = async (options: SMTPServerOptions, more: object = {}) => {
			const { error, detail } = await sendBySmtp(policyFor((await server(options)).port, more), mail());
			expect(detail).not.toMatch(/right|wrong/);
			return error;
		};
		const { port: well } = await server();
		await tryServer(policyFor(well));
		await expect(tryServer(policyFor(well, { password: `file:${own('wrong')}` }))).rejects.toThrow(/login/i);
		expect(await at({}, { password: `file:${own('wrong')}` })).toBe('auth');
		expect(await at({}, { password: `file:${own('nowhere')}` })).toBe('auth');
		expect(await at({ onRcptTo: (_, __, done) => done(refuse(550)) })).toBe('recipient');
		expect(await at({ onRcptTo: (_, __, done) => done(refuse(451)) })).toBe('refused');
		expect(
			await at({
				onData: (stream, _, done) => {
					stream.resume();
					stream.on('end', () => {
						done(refuse(554));
					});
				},
			}),
		).toBe('refused');
		const { port, close } = await mailServer(certificate);
		await close();
		expect(await sendBySmtp(policyFor(port), mail())).toMatchObject({ error: 'unreachable' });
	});

	it('20: gets one header for each, whatever is put into one', async () => {
		const { port, taken } = await server();
		const bad = 'x\r\nBcc: all@example.org\r\n\r\nhello';
		await sendBySmtp(
			policyFor(port),
			mail({ subject: bad, message_id: `<a@b>\r\nX-Bad: 1`, preferences: `${HUB}>\r\nX-Worse: 1` }),
		);
		for (const to of ['ada@example.org\r\nRCPT TO:<eve@evil.example>', 'ada@example.org, eve@evil.example'])
			await sendBySmtp(policyFor(port), mail({ to }));
		for (const { to, raw } of taken) {
			expect(to.filter((address) => address.endsWith('@evil.example'))).toEqual([]);
			for (const name of ['bcc', 'x-bad', 'x-worse']) expect([...headOf(raw).keys()]).not.toContain(name);
		}
		expect(taken[0]?.to).toEqual(['ada@example.org']);
	});
});

describe('the agent', () => {
	async function mailer(port: number, more: object = {}, send = sendBySmtp) {
		const file = own(randomUUID());
		const start = async () =>
			new Mailer({
				...{ policy: policyFor(port, more), hub: HUB, send, log: () => undefined, now: Date.now },
				ledger: await MailLedger.open(file, Date.now()),
			});
		return { start, first: await start() };
	}
	const request = (more: object = {}) => ({ to: 'ada@example.org', locale: 'en', hub: HUB, letter: letter(), ...more });

	it('sends each mail once, however often it is asked, also after its restart', async () => {
		const { port, taken } = await server();
		const { start, first } = await mailer(port);
		const key = randomUUID();
		expect(await first.pass(key, request())).toEqual({ error: null, detail: '' });
		expect(await first.pass(key, request())).toEqual({ error: null, detail: '' });
		expect(await (await start()).pass(key, request())).toEqual({ error: null, detail: '' });
		expect(taken).toHaveLength(1);
		expect(headOf(taken[0]?.raw ?? '').get('message-id')).toBe(`<${key}@hub.example.org>`);
	});

	it('tries again what was certainly not taken, and never what may have been', async () => {
		let took = 0;
		const cutting = await server({
			onData: (stream) => {
				stream.resume();
				stream.on('end', () => {
					took++;
					// Taken, and the answer is lost on its way.
					cutting.cut();
				});
			},
		});
		const { start, first } = await mailer(cutting.port);
		const key = randomUUID();
		expect(await first.pass(key, request())).toMatchObject({ error: 'uncertain' });
		expect(await first.pass(key, request())).toMatchObject({ error: 'uncertain' });
		expect(await (await start()).pass(key, request())).toMatchObject({ error: 'uncertain' });
		expect([took, cutting.taken.length]).toEqual([1, 0]);

		const away = await mailServer(certificate);
		await away.close();
		const good = await server();
		const answers = [away.port, good.port];
		const other = await mailer(1, {}, (policy, it) => sendBySmtp({ ...policy, port: answers.shift() ?? 0 }, it));
		expect(await other.first.pass(key, request())).toMatchObject({ error: 'unreachable' });
		expect(await other.first.pass(key, request())).toMatchObject({ error: null });
		expect(good.taken).toHaveLength(1);
	});

	it('39: passes on nothing that its policy does not name, and no other text than its own', async () => {
		const send = vi.fn(() => Promise.resolve<Mailed>({ error: null, detail: '' }));
		const { first } = await mailer(25, { domains: ['example.org', '*.example.org'], per_hour: 2 }, send);
		for (const wrong of [
			request({ to: 'eve@evil.example' }),
			request({ to: 'eve@evilexample.org' }),
			request({ to: 'ada@example.org\r\nBcc: eve@evil.example' }),
			request({ to: '"eve@evil.example,"@example.org' }),
			request({ hub: 'https://evil.example' }),
			request({ hub: `${HUB}.evil.example` }),
			request({ letter: { ...letter(), text: 'Send me your password' } }),
			request({ letter: { kind: 'confirm', token: 'x y' } }),
			request({ from: 'boss@example.org' }),
			request({ subject: 'x' }),
			null,
			'x'.repeat(100_000),
		])
			expect(await first.pass(randomUUID(), wrong), JSON.stringify(wrong).slice(0, 100)).toMatchObject({
				error: 'policy',
			});
		expect(send).not.toHaveBeenCalled();
		expect(await first.pass(randomUUID(), request())).toMatchObject({ error: null });
		expect(await first.pass(randomUUID(), request({ to: 'ada@team.example.org' }))).toMatchObject({ error: null });
		expect(await first.pass(randomUUID(), request())).toMatchObject({ error: 'busy' });
		expect(send).toHaveBeenCalledTimes(2);
	});
});

describe('a hub', () => {
	let hub: TestHub;
	let admin: Api;
	let agent: RealAgent | null = null;
	beforeAll(async () => {
		hub = await startHub({ agent: false, env: { UHUB_MAIL_AGENT: 'postman' } });
		admin = await Api.signIn(hub.url, 'admin', hub.password);
	});
	afterAll(async () => {
		await agent?.remove();
		await hub.stop();
	});

	it('has its mails passed on by the agent that it names, and says what became of them', async () => {
		const { port, taken } = await server();
		const me = await admin.get('/api/auth/me');
		const at = `/api/users/${String(me.id)}`;
		await admin.ok('PATCH', at, { email: 'admin@example.org' }, { 'if-match': `"v${String(me.version)}"` });
		const latest = async () => {
			const { mail: state } = (await admin.get('/api/me/notification-preferences')) as {
				mail: { latest: { status: string; attempts: { error: string | null; detail: string }[] }[] };
			};
			return state.latest.map(({ status, attempts }) => [status, attempts.at(-1)?.error]);
		};
		const tried = async (expected: (string | null)[]) => {
			await admin.ok('POST', '/api/me/notifications/test', {});
			await expect.poll(async () => (await latest())[0]).toEqual(expected);
		};
		await tried(['pending', 'no_agent']);
		const policy = (more: string) =>
			[
				'version: 1',
				'mail:',
				'  host: 127.0.0.1',
				`  port: ${String(port)}`,
				`  ca: ${authority.ca}`,
				'  from: hub@example.org',
				`  user: file:${own('user')}`,
				`  password: file:${own('password')}`,
				more,
				'',
			].join('\n');
		agent = await realAgent(admin, { name: 'postman', policy: policy('  domains: [example.com]') });
		await tried(['pending', 'policy']);
		expect(taken).toEqual([]);
		await agent.stop();
		writeFileSync(path.join(agent.home, 'policy.yaml'), policy('  domains: [example.org]'), { mode: 0o600 });
		agent.start();
		await expect.poll(async () => (await admin.get(`/api/agents/${String(agent?.id)}`)).status).toBe('online');
		await tried(['sent', null]);
		const mine = taken.filter(({ to }) => to.includes('admin@example.org'));
		expect(mine).toHaveLength(1);
		expect(mine[0]).toMatchObject({ secure: true, user: 'hub' });
		expect(mine[0]?.raw).toContain('/profile/notifications');
		const { mails } = (await admin.get('/api/hub/status')) as { mails: { way: string; waiting: number } };
		expect(mails).toMatchObject({ way: 'agent', waiting: 2 });
	});
});
