import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSession } from '#worker/services/session/create.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { type Caller, caller, ctxFor, fresh, insert, nobody, ORIGIN, person, session } from './api-world.ts';

const PASSWORD = 'correct horse battery';
let hash: string;
let address = 0;
/** An address no other test used, so that the limits of one do not meet another's. */
const somewhere = () => ({ 'cf-connecting-ip': `198.51.100.${String(++address)}` });

beforeAll(async () => {
	hash = await passwords.hash(PASSWORD);
});

async function account(fields: Record<string, unknown> = {}): Promise<{ id: number; username: string }> {
	const username = fresh('user');
	const id = await insert('users', { username, role: 'dev', ...fields });
	await insert('identities', { user_id: id, provider: 'credential', subject: String(id), password_hash: hash });
	return { id, username };
}

const login = (body: object, headers: Record<string, string> = somewhere(), call = nobody) =>
	call('POST', '/api/auth/login', { body, headers });
const cookieOf = (headers: Headers) => headers.get('set-cookie')?.split(';')[0] ?? '';

describe('signing in', () => {
	it('gives the person and a session of seven days', async () => {
		const { id, username } = await account();
		const answer = await login({ username: username.toUpperCase(), password: PASSWORD });
		expect(answer).toMatchObject({ status: 200, body: { id, username, role: 'dev' } });
		expect(JSON.stringify(answer.body)).not.toContain('hash');

		const cookie = answer.headers.get('set-cookie') ?? '';
		expect(cookie).toMatch(/^uhub_session=[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
		const ends = Date.parse(/Expires=([^;]+)/.exec(cookie)?.[1] ?? '');
		expect(Math.round((ends - Date.now()) / 86_400_000)).toBe(7);
		expect(await caller(cookieOf(answer.headers))('GET', '/api/auth/me')).toMatchObject({ body: { id } });
	});

	it('binds the cookie to the host over https', async () => {
		const { username } = await account();
		const https = caller(null, 'https://hub.test');
		const answer = await login({ username, password: PASSWORD }, somewhere(), https);
		const cookie = answer.headers.get('set-cookie') ?? '';
		expect(cookie).toMatch(/^__Host-uhub_session=/);
		expect(cookie).toMatch(/; Secure/);
		expect(cookie).not.toMatch(/Domain/i);
		const me = await caller(cookieOf(answer.headers), 'https://hub.test')('GET', '/api/auth/me');
		expect(me.status).toBe(200);
		expect(me.headers.get('strict-transport-security')).toContain('max-age');
		// The plain name is not looked at there: another host of the domain could have set it.
		const plain = cookieOf(answer.headers).replace('__Host-', '');
		expect((await caller(plain, 'https://hub.test')('GET', '/api/auth/me')).status).toBe(401);
	});

	it('writes an audit row with the sign-in', async () => {
		const admin = await person('admin');
		const { id, username } = await account();
		const headers = somewhere();
		await login({ username, password: PASSWORD }, headers);
		const { items } = await admin.ok('GET', `/api/audit?action=session.create&user_id=${String(id)}`);
		expect(items).toMatchObject([{ actor_kind: 'user', ip: headers['cf-connecting-ip'] }]);
	});

	it('refuses what is no sign-in, naming the field', async () => {
		expect(await login({ username: 'x' })).toMatchObject({ status: 400, body: { errors: [{ path: 'password' }] } });
		expect(await login({ username: 'x', password: 'y', role: 'admin' })).toMatchObject({ status: 400 });
		expect(await login({ username: 'x', password: 'y'.repeat(201) })).toMatchObject({ status: 400 });
	});
});

describe('8: what a stranger can learn', () => {
	it('8: unknown, wrong, inactive and without a password all get one answer', async () => {
		const { username } = await account();
		const inactive = await account({ is_active: 0 });
		const oidc = fresh('user');
		await insert('users', { username: oidc, role: 'dev' });
		const answers = await Promise.all([
			login({ username: fresh('nobody'), password: PASSWORD }),
			login({ username, password: 'wrong' }),
			login({ username: inactive.username, password: PASSWORD }),
			login({ username: oidc, password: PASSWORD }),
			login({ username: "' or 1=1 --", password: PASSWORD }),
		]);
		for (const answer of answers) {
			expect({ ...answer.body, request_id: '' }).toEqual({ ...answers[0]?.body, request_id: '' });
			expect(answer.status).toBe(401);
			expect([...answer.headers.keys()]).toEqual([...(answers[0]?.headers.keys() ?? [])]);
			expect(answer.headers.get('set-cookie')).toBeNull();
		}
	});

	it('8: each of them costs one hashing', async () => {
		const { username } = await account();
		const inactive = await account({ is_active: 0 });
		for (const name of [username, inactive.username, 'no.such.person']) {
			const seen: string[] = [];
			const counting = {
				...passwords,
				verify: (hash: string) => {
					seen.push(hash);
					return Promise.resolve(false);
				},
			};
			const ctx = ctxFor({ kind: 'none' }, { ip: fresh('ip') });
			await expect(createSession(ctx, counting, { username: name, password: 'x' }, null)).rejects.toMatchObject({
				code: 'not_signed_in',
			});
			expect(seen).toHaveLength(1);
			// The decoy has the shape of a real hash, so checking it is the same work.
			expect(seen[0]).toMatch(/^[0-9a-f]{32}:[0-9a-f]{128}$/);
		}
	});
});

describe('9: guessing', () => {
	beforeEach(() => env.DB.exec('delete from login_attempts'));

	it('9: is stopped per account, also for the right password, and says for how long', async () => {
		const { username } = await account();
		for (let n = 0; n < 10; n++) expect((await login({ username, password: 'wrong' })).status).toBe(401);
		const stopped = await login({ username, password: PASSWORD });
		expect(stopped).toMatchObject({ status: 429, body: { code: 'too_many' } });
		expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(800);
		const other = await account();
		expect((await login({ username: other.username, password: PASSWORD })).status).toBe(200);
	});

	it('9: is stopped per address, over all names', async () => {
		const here = somewhere();
		const quick = { ...passwords, verify: () => Promise.resolve(false) };
		const ctx = ctxFor({ kind: 'none' }, { ip: here['cf-connecting-ip'] });
		for (let n = 0; n < 50; n++)
			await expect(createSession(ctx, quick, { username: fresh('g'), password: 'x' }, null)).rejects.toThrow();
		const { username } = await account();
		expect((await login({ username, password: PASSWORD }, here)).status).toBe(429);
		expect((await login({ username, password: PASSWORD })).status).toBe(200);
	});

	it('9: a hundred guesses at once are ten', async () => {
		const { username } = await account();
		let checked = 0;
		const counting = {
			...passwords,
			verify: () => {
				checked++;
				return Promise.resolve(false);
			},
		};
		const tries = await Promise.allSettled(
			Array.from({ length: 100 }, (_, n) =>
				createSession(ctxFor({ kind: 'none' }, { ip: `a${String(n)}` }), counting, { username, password: 'x' }, null),
			),
		);
		expect(checked).toBe(10);
		expect(tries.every(({ status }) => status === 'rejected')).toBe(true);
	});

	it('9: the window ends, and a sign-in that succeeds does not count', async () => {
		const { username } = await account();
		const right = { ...passwords, verify: () => Promise.resolve(true) };
		const wrong = { ...passwords, verify: () => Promise.resolve(false) };
		const at = (now: number) => ctxFor({ kind: 'none' }, { ip: 'w', now: () => now });
		const t = Date.now();
		for (let n = 0; n < 30; n++)
			expect((await createSession(at(t), right, { username, password: 'x' }, null)).user.username).toBe(username);
		for (let n = 0; n < 10; n++)
			await expect(createSession(at(t), wrong, { username, password: 'x' }, null)).rejects.toMatchObject({
				code: 'not_signed_in',
			});
		await expect(createSession(at(t + 60_000), right, { username, password: 'x' }, null)).rejects.toMatchObject({
			code: 'too_many',
			details: { retry_after_s: 14 * 60 },
		});
		expect((await createSession(at(t + 15 * 60_000), right, { username, password: 'x' }, null)).user.username).toBe(
			username,
		);
	});
});

describe('7: sessions', () => {
	it('7: a sign-in never takes over a session it was given, and ends the one it came with', async () => {
		const { id, username } = await account();
		const before = await session(id);
		const answer = await login({ username, password: PASSWORD }, { ...somewhere(), cookie: before, origin: ORIGIN });
		const after = cookieOf(answer.headers);
		expect(after).not.toBe(before);
		expect((await caller(before)('GET', '/api/auth/me')).status).toBe(401);
		expect((await caller(after)('GET', '/api/auth/me')).status).toBe(200);

		const planted = await login(
			{ username, password: PASSWORD },
			{ ...somewhere(), cookie: 'uhub_session=planted', origin: ORIGIN },
		);
		expect(cookieOf(planted.headers)).not.toContain('planted');
	});

	it('7: a cookie kept after signing out is worth nothing', async () => {
		const { id } = await account();
		const mine = caller(await session(id));
		const elsewhere = caller(await session(id));
		const out = await mine('POST', '/api/auth/logout');
		expect(out.status).toBe(204);
		expect(out.headers.get('set-cookie')).toMatch(/^uhub_session=; Max-Age=0/);
		expect((await mine('GET', '/api/auth/me')).status).toBe(401);
		expect((await mine('POST', '/api/auth/logout')).status).toBe(401);
		expect((await elsewhere('GET', '/api/auth/me')).status).toBe(200);
	});
});

describe('5: requests other sites make', () => {
	let dev: Caller;
	beforeAll(async () => {
		dev = await person('projets');
	});
	const make = (headers: Record<string, string>, raw = '{"name":"by another site"}') => {
		return caller(null)('POST', '/api/projects', { raw, headers: { cookie: dev.cookie, ...headers } });
	};

	it('5: need this hub as their origin', async () => {
		const json = { 'content-type': 'application/json' };
		for (const headers of [
			json,
			{ ...json, origin: 'null' },
			{ ...json, origin: 'http://evil.test' },
			{ ...json, origin: 'https://hub.test' },
			{ ...json, origin: 'http://hub.test.evil.test' },
			{ ...json, origin: 'http://hub.test:81' },
			{ ...json, referer: `${ORIGIN}/` },
		])
			expect(await make(headers), JSON.stringify(headers)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
		for (const method of ['PATCH', 'PUT', 'DELETE'])
			expect((await nobody(method, '/api/projects/1', { headers: { cookie: dev.cookie } })).status, method).toBe(403);
		expect((await dev.ok('GET', '/api/projects')).items).toEqual([]);
	});

	it('5: and JSON, said to be JSON', async () => {
		for (const type of [
			'application/x-www-form-urlencoded',
			'multipart/form-data; boundary=x',
			'text/plain',
			'application/jsonp',
			'',
		])
			expect(await make({ origin: ORIGIN, 'content-type': type }, '{"name":"form"}'), type).toMatchObject({
				status: 415,
				body: { code: 'unsupported_media_type' },
			});
		expect((await dev.ok('GET', '/api/projects')).items).toEqual([]);
	});

	it('5: a foreign origin is refused without a cookie too', async () => {
		const { username } = await account();
		const answer = await login({ username, password: PASSWORD }, { ...somewhere(), origin: 'http://evil.test' });
		expect(answer.status).toBe(403);
	});
});

describe('10: what a client says of its address', () => {
	it('10: is not believed', async () => {
		const admin = await person('admin');
		const { id, username } = await account();
		const real = somewhere();
		await login(
			{ username, password: PASSWORD },
			{
				...real,
				'x-forwarded-for': '203.0.113.9',
				'x-real-ip': '203.0.113.9',
				forwarded: 'for=203.0.113.9',
				'x-forwarded-host': 'evil.test',
				'x-forwarded-proto': 'https',
			},
		);
		const { items } = await admin.ok('GET', `/api/audit?user_id=${String(id)}`);
		expect(items).toMatchObject([{ ip: real['cf-connecting-ip'] }]);
	});
});
