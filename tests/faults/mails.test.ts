// The hub is killed as it has an agent pass a mail on. Afterwards each mail was handed to the mail server once, and the hub knows that it was.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { Authority } from '#tests/support/certificates.ts';
import { CutProxy } from '#tests/support/cut-proxy.ts';
import { inDatabase } from '#tests/support/hub-database.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';
import { headOf, type MailServer, mailServer } from '#tests/support/smtp.ts';

const authority = new Authority();
const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-mails-'));
let server: MailServer;
let hub: TestHub;
let admin: Api;
let proxy: CutProxy;
let agent: RealAgent;

beforeAll(async () => {
	server = await mailServer(authority.issue('IP:127.0.0.1'));
	hub = await startHub({ agent: false, env: { UHUB_MAIL_AGENT: 'postman' } });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	const me = await admin.get('/api/auth/me');
	const version = { 'if-match': `"v${String(me.version)}"` };
	await admin.ok('PATCH', `/api/users/${String(me.id)}`, { email: 'admin@example.org' }, version);
	proxy = await CutProxy.start(hub.url);
	writeFileSync(path.join(dir, 'user'), 'hub\n');
	writeFileSync(path.join(dir, 'password'), 'right\n');
	const secrets = { user: `file:${dir}/user`, password: `file:${dir}/password` };
	const mail = { host: '127.0.0.1', port: server.port, ca: authority.ca, from: 'hub@example.org', ...secrets };
	// The agent reaches the hub by another address than its mails lead to. JSON is YAML.
	const policy = JSON.stringify({ version: 1, mail: { ...mail, domains: ['example.org'], hub: hub.url } });
	agent = await realAgent(admin, { name: 'postman', dial: proxy.url, policy });
});
afterAll(async () => {
	await agent.remove();
	await proxy.close();
	await hub.stop();
	await server.close();
	authority.remove();
	rmSync(dir, { recursive: true, force: true });
});

const latest = async () => {
	const { mail } = (await admin.get('/api/me/notification-preferences')) as {
		mail: { latest: { status: string; attempts: { error: string | null }[] }[] };
	};
	return mail.latest;
};

const connected = () => agent.output().match(/ connected to .+ as agent/g)?.length ?? 0;

let sent = 0;
for (const [when, direction, type, message] of [
	['before the agent is handed a mail', 'to_agent', 'mail', 'drop'],
	['after the agent was handed a mail', 'to_agent', 'mail', 'last'],
	['before it hears that the mail was taken', 'to_hub', 'mailed', 'drop'],
	['after it heard that the mail was taken', 'to_hub', 'mailed', 'last'],
] as const)
	it(`${when}: it is sent once`, async () => {
		const connections = connected();
		const struck = Promise.withResolvers<null>();
		proxy.watch = (d, m) => {
			if (d !== direction || m.type !== type) return 'pass';
			struck.resolve(null);
			return message;
		};
		await admin.ok('POST', '/api/me/notifications/test', {});
		await struck.promise;
		sent += 1;
		// What reached the agent is sent, whatever becomes of the hub.
		if (message === 'last' || type === 'mailed') await expect.poll(() => server.taken.length).toBe(sent);
		await hub.kill9();
		proxy.watch = () => 'pass';
		// What a hub was sending when it died is left to the next after two minutes, and at once here.
		inDatabase(hub.dataDir, (db) => db.exec('update mails set claimed_until = 0 where claimed_until is not null'));
		await hub.restart();
		await expect.poll(connected).toBe(connections + 1);
		// Another has the hub look at what waits.
		await admin.ok('POST', '/api/me/notifications/test', {});
		sent += 1;
		await expect.poll(async () => (await latest()).every(({ status }) => status === 'sent')).toBe(true);
		expect(server.taken).toHaveLength(sent);
		expect(new Set(server.taken.map(({ raw }) => headOf(raw).get('message-id'))).size).toBe(sent);
	});
