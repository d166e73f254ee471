import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startHub, type TestHub } from '../support/hub.ts';

// Webhooks, and mails through a provider, over real connections, from a hub as it is started to a server of ours.

interface Letter {
	path: string;
	headers: IncomingMessage['headers'];
	body: string;
}
interface Row {
	id: number;
	secret: string;
}
interface Delivery {
	key: string;
	status: string;
	attempts: { status: number | null; error: string | null; excerpt: string }[];
}

const letters: Letter[] = [];
let server: Server;
let port: number;

beforeAll(async () => {
	server = createServer((request, response) => {
		let body = '';
		request.on('data', (part: Buffer) => (body += part.toString()));
		request.on('end', () => {
			letters.push({ path: request.url ?? '', headers: request.headers, body });
			if (request.url === '/moved') response.writeHead(302, { location: '/fine' }).end();
			else if (request.url === '/huge') {
				response.writeHead(200);
				const more = () => {
					while (!response.destroyed && response.write('y'.repeat(65_536)));
				};
				response.on('drain', more);
				more();
			} else if (request.url === '/cut') request.socket.destroy();
			else if (request.url === '/bad') response.writeHead(503).end('busy');
			else response.end('taken');
		});
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	({ port } = server.address() as AddressInfo);
});
afterAll(() => {
	server.closeAllConnections();
	server.close();
});

async function signedIn(hub: TestHub) {
	const login = await fetch(`${hub.url}/api/auth/login`, {
		method: 'POST',
		headers: { origin: hub.url, 'content-type': 'application/json' },
		body: JSON.stringify({ username: 'admin', password: hub.password }),
	});
	const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
	return async <R>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<R> => {
		const answer = await fetch(`${hub.url}/api${path}`, {
			method,
			headers: { origin: hub.url, cookie, 'content-type': 'application/json', ...more },
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
		return (text === '' ? {} : JSON.parse(text)) as R;
	};
}

async function told(hub: TestHub, url: string): Promise<{ hook: Row; delivery: Delivery }> {
	const call = await signedIn(hub);
	const hook = await call<Row>('POST', '/webhooks', { project_id: null, name: url, url, events: ['run.ended'] });
	await call('POST', `/webhooks/${String(hook.id)}/ping`, {});
	const delivery = await vi.waitFor(
		async () => {
			const { items } = await call<{ items: Delivery[] }>('GET', `/webhooks/${String(hook.id)}/deliveries`);
			const [one] = items;
			if (!one || one.attempts.length === 0) throw new Error('not sent yet');
			return one;
		},
		{ timeout: 30_000, interval: 50 },
	);
	return { hook, delivery };
}

/** Somebody tries their e-mails out: the provider is handed one that leads to the hub. */
async function mailed(hub: TestHub): Promise<void> {
	const call = await signedIn(hub);
	const { id, version } = await call<{ id: number; version: number }>('GET', '/auth/me');
	const match = { 'if-match': `"v${String(version)}"` };
	await call('PATCH', `/users/${String(id)}`, { email: 'admin@example.org' }, match);
	await call('POST', '/me/notifications/test', {});
	const letter = await vi.waitUntil(() => letters.find(({ path }) => path === '/mail'), { timeout: 30_000 });
	expect(letter.headers.authorization).toBe('Bearer k');
	const { to, from, subject, text } = JSON.parse(letter.body) as Record<string, string>;
	expect({ to, from }).toEqual({ to: ['admin@example.org'], from: 'uHub <hub@example.org>' });
	expect(subject).toMatch(/^\[uHub\] /);
	expect(text).toContain(`${hub.url}/profile/notifications`);
}

describe('webhooks', () => {
	it('and mails arrive where an admin allows it, signed; bad ends are told as what they are', async () => {
		const at = (path: string) => `http://127.0.0.1:${String(port)}${path}`;
		const mail = { UHUB_MAIL_URL: at('/mail'), UHUB_MAIL_KEY: 'k', UHUB_MAIL_FROM: 'uHub <hub@example.org>' };
		const hub = await startHub({ agent: false, env: { UHUB_WEBHOOK_NETWORKS: '127.0.0.1/32', ...mail } });
		try {
			await mailed(hub);
			const { hook, delivery } = await told(hub, at('/fine'));
			expect(delivery).toMatchObject({
				status: 'delivered',
				attempts: [{ status: 200, error: null, excerpt: 'taken' }],
			});
			const letter = letters.find(({ path }) => path === '/fine');
			if (!letter) throw new Error('nothing came');
			const { headers, body } = letter;
			const hmac = createHmac('sha256', Buffer.from(hook.secret.slice('whsec_'.length), 'base64'))
				.update(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`)
				.digest('base64');
			expect(headers['webhook-signature']).toBe(`v1,${hmac}`);
			expect(headers['webhook-id']).toBe(delivery.key);
			expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
			expect(JSON.parse(body)).toMatchObject({ event: 'ping', object_id: hook.id });
			expect(headers.cookie).toBeUndefined();

			expect((await told(hub, at('/bad'))).delivery.attempts[0]).toMatchObject({ status: 503, excerpt: 'busy' });
			expect((await told(hub, at('/cut'))).delivery.attempts[0]).toMatchObject({ status: null, error: 'unreachable' });
			const { delivery: huge } = await told(hub, at('/huge'));
			expect(huge.attempts[0]).toMatchObject({ status: 200, excerpt: 'y'.repeat(1000) });
			letters.length = 0;
			expect((await told(hub, at('/moved'))).delivery.attempts[0]).toMatchObject({ status: 302, error: 'redirect' });
			expect(letters.map(({ path }) => path)).toEqual(['/moved']);
		} finally {
			await hub.stop();
		}
	});

	it('30: go by the address a name leads to, not by the name', async () => {
		const hub = await startHub({ agent: false, env: { UHUB_WEBHOOK_NETWORKS: '10.255.255.0/24' } });
		try {
			letters.length = 0;
			// A name of one's own network is let through where such a network is allowed; this one leads elsewhere.
			const { delivery } = await told(hub, `http://localhost:${String(port)}/fine`);
			expect(delivery.attempts[0]).toMatchObject({ status: null, error: 'unreachable' });
			expect(letters).toEqual([]);
		} finally {
			await hub.stop();
		}
	});
});
