import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { caller, nobody, person } from './api-world.ts';

const admin = { username: 'Root', password: 'a long enough password', display_name: 'The Root', locale: 'fr' };

describe('the first visit', () => {
	it('makes one admin, signed in, however many ask at once; then nobody', async () => {
		expect(await nobody('GET', '/api/setup')).toMatchObject({ status: 200, body: { needed: true } });
		expect(await nobody('POST', '/api/auth/setup', { body: { ...admin, password: 'short' } })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'password' }] },
		});
		expect((await nobody('POST', '/api/auth/setup', { body: { ...admin, role: 'ops' } })).status).toBe(400);

		const tries = await Promise.all(
			Array.from({ length: 5 }, (_, n) =>
				nobody('POST', '/api/auth/setup', { body: { ...admin, username: `root${String(n)}` } }),
			),
		);
		expect(tries.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
		const made = tries.find(({ status }) => status === 201);
		expect(made?.body).toMatchObject({ role: 'admin', display_name: 'The Root', locale: 'fr', theme: 'dark' });
		expect(await env.DB.prepare('select count(*) as n from users').first('n')).toBe(1);

		const cookie = made?.headers.get('set-cookie')?.split(';')[0] ?? '';
		expect(await caller(cookie)('GET', '/api/auth/me')).toMatchObject({ status: 200, body: { role: 'admin' } });
		const name = String(made?.body.username);
		const login = await nobody('POST', '/api/auth/login', { body: { username: name, password: admin.password } });
		expect(login.status).toBe(200);

		expect(await nobody('GET', '/api/setup')).toMatchObject({ body: { needed: false } });
		expect((await nobody('POST', '/api/auth/setup', { body: admin })).status).toBe(409);
		const other = await person('admin');
		const { items } = await other.ok('GET', '/api/audit?action=hub.setup');
		expect(items).toMatchObject([{ actor_kind: 'system', object_type: 'User' }]);
	});
});
