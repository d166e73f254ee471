import { base32 } from '@better-auth/utils/base32';
import { createOTP } from '@better-auth/utils/otp';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sealerOf } from '#worker/services/sealed.ts';
import { confirmSecondFactor } from '#worker/services/second_factor/confirm.ts';
import { startSecondFactor } from '#worker/services/second_factor/start.ts';
import { confirmSession } from '#worker/services/session/confirm.ts';
import { createSession } from '#worker/services/session/create.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { CodeIsNeeded, type PendingSignIn } from '#worker/services/session/pending.ts';
import { type Caller, caller, ctxFor, fresh, insert, nobody, person, session } from './api-world.ts';

const PASSWORD = 'correct horse battery';
const STEP = 30_000;
const sealer = sealerOf(env.UHUB_SECRET);
let hash: string;
let admin: Caller;

beforeAll(async () => {
	hash = await passwords.hash(PASSWORD);
	admin = await person('admin');
});
beforeEach(() => env.DB.exec('delete from login_attempts'));

const codeAt = (secret: string, now: number) => createOTP(base32.decode(secret)).hotp(Math.floor(now / STEP));
const asActor = (id: number, now = Date.now()) =>
	ctxFor({ kind: 'actor', actor: { kind: 'user', id, username: 'x', role: 'dev' } }, { now: () => now });

/** Somebody with a password and an authenticator that was set up in the past: no code of now was taken. */
async function careful() {
	const who = await person('dev');
	const username = String((await who.ok('GET', '/api/auth/me')).username);
	await insert('identities', { user_id: who.id, provider: 'credential', subject: String(who.id), password_hash: hash });
	const then = Date.now() - 10 * STEP;
	const { secret } = await startSecondFactor(asActor(who.id, then), { sealer, passwords }, 'hub.test', {
		password: PASSWORD,
	});
	const { recovery_codes } = await confirmSecondFactor(asActor(who.id, then), sealer, await codeAt(secret, then));
	return { ...who, username, secret, recovery_codes, code: (steps = 0) => codeAt(secret, Date.now() + steps * STEP) };
}

const cookieOf = (headers: Headers, name: string) =>
	headers
		.getSetCookie()
		.map((set) => set.split(';')[0] ?? '')
		.find((cookie) => cookie.startsWith(`${name}=`)) ?? '';
const login = (username: string, password = PASSWORD) =>
	nobody('POST', '/api/auth/login', { body: { username, password }, headers: { 'cf-connecting-ip': fresh('ip') } });
const pendingOf = async (username: string) => cookieOf((await login(username)).headers, 'uhub_pending');
const give = (cookie: string, code: string) => caller(cookie)('POST', '/api/auth/code', { body: { code } });

describe('setting up', () => {
	it('asks for a first code, keeps the secret encrypted and shows the recovery codes once', async () => {
		const who = await person('ops');
		expect(await who.ok('GET', '/api/me/totp')).toEqual({
			enabled: false,
			since: null,
			recovery_codes_left: 0,
			has_password: false,
		});
		const first = await who.ok('POST', '/api/me/totp', {});
		const { secret, uri } = await who.ok('POST', '/api/me/totp', {});
		expect(secret).not.toBe(first.secret);
		expect(uri).toMatch(/^otpauth:\/\/totp\/uHub%20hub\.test:ops\d+\?secret=/);
		const kept = await env.DB.prepare('select secret from second_factors where user_id = ?')
			.bind(who.id)
			.first('secret');
		expect(kept).not.toContain(secret);
		// Copied to another's row it opens nothing.
		expect(await sealer.open('second factor', String(who.id), String(kept))).toBe(secret);
		expect(await sealer.open('second factor', String(who.id + 1), String(kept))).toBeNull();

		const confirm = (code: string) => who.call('POST', '/api/me/totp/confirm', { body: { code } });
		expect(await confirm(await codeAt(String(first.secret), Date.now()))).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'code' }] },
		});
		expect(await who.ok('GET', '/api/me/totp')).toMatchObject({ enabled: false });
		const done = await confirm(await codeAt(String(secret), Date.now()));
		expect(done.status).toBe(200);
		expect(done.body.recovery_codes).toHaveLength(10);
		expect(await who.ok('GET', '/api/me/totp')).toMatchObject({ enabled: true, recovery_codes_left: 10 });
		expect((await who.call('POST', '/api/me/totp', { body: {} })).status).toBe(409);
		expect((await confirm('123456')).status).toBe(409);

		const rows = JSON.stringify((await env.DB.prepare('select * from recovery_codes').all()).results);
		const audit = JSON.stringify(await admin.ok('GET', `/api/audit?object_type=User&object_id=${String(who.id)}`));
		for (const code of done.body.recovery_codes as string[]) {
			expect(rows).not.toContain(code);
			expect(rows).not.toContain(code.replaceAll('-', ''));
			expect(audit).not.toContain(code);
		}
		expect(audit).not.toContain(secret);
	});

	it('is limited in guesses', async () => {
		const who = await person('dev');
		await who.ok('POST', '/api/me/totp', {});
		const tries = [];
		for (let n = 0; n < 7; n++)
			tries.push((await who.call('POST', '/api/me/totp/confirm', { body: { code: '000000' } })).status);
		expect(tries.slice(0, 5)).toEqual([400, 400, 400, 400, 400]);
		expect(tries.slice(5)).toEqual([429, 429]);
	});
});

describe('7: who sets it up', () => {
	const begin = (who: Caller, body: object) => who.call('POST', '/api/me/totp', { body });
	const begun = (who: Caller) =>
		env.DB.prepare('select count(*) as n from second_factors where user_id = ?').bind(who.id).first('n');

	it('has proved to be the owner of the session: with the password', async () => {
		const who = await person('dev');
		const identity = { provider: 'credential', subject: String(who.id), password_hash: hash };
		await insert('identities', { user_id: who.id, ...identity });
		for (const [body, message] of [
			[{}, 'is required'],
			[{ password: 'not this one' }, 'is wrong'],
		] as const)
			expect(await begin(who, body)).toMatchObject({ status: 400, body: { errors: [{ path: 'password', message }] } });
		expect(await begun(who)).toBe(0);
		expect((await begin(who, { password: PASSWORD })).status).toBe(201);
		expect(await begun(who)).toBe(1);
	});

	it('guesses no password: it is counted with the codes, and the right one is refused then', async () => {
		const who = await person('dev');
		const identity = { provider: 'credential', subject: String(who.id), password_hash: hash };
		await insert('identities', { user_id: who.id, ...identity });
		const tries = await Promise.all(Array.from({ length: 8 }, () => begin(who, { password: 'guess' })));
		expect(tries.map(({ status }) => status).sort()).toEqual([400, 400, 400, 400, 400, 429, 429, 429]);
		expect((await begin(who, { password: PASSWORD })).status).toBe(429);
		expect(await begun(who)).toBe(0);
	});

	it('has signed in a moment ago, where there is no password', async () => {
		const who = await person('dev');
		await env.DB.prepare('update sessions set created_at = created_at - 900001 where user_id = ?').bind(who.id).run();
		expect(await begin(who, {})).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('Sign in again') as string },
		});
		expect(await begun(who)).toBe(0);
		const again = caller(await session(who.id));
		expect((await again('POST', '/api/me/totp', { body: {} })).status).toBe(201);
	});
});

describe('signing in with a second factor', () => {
	it('7: gives no session for the password alone', async () => {
		const who = await careful();
		const answer = await login(who.username);
		expect(answer).toMatchObject({ status: 200, body: { second_factor: 'totp' } });
		expect(cookieOf(answer.headers, 'uhub_session')).toBe('');
		const pending = cookieOf(answer.headers, 'uhub_pending');
		expect(answer.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax/);
		for (const cookie of [pending, pending.replace('uhub_pending', 'uhub_session')])
			expect((await caller(cookie)('GET', '/api/auth/me')).status).toBe(401);

		const done = await give(pending, await who.code());
		expect(done).toMatchObject({ status: 200, body: { id: who.id } });
		const session = cookieOf(done.headers, 'uhub_session');
		expect(await caller(session)('GET', '/api/auth/me')).toMatchObject({ status: 200, body: { id: who.id } });
		const { items } = await admin.ok('GET', `/api/audit?action=session.create&user_id=${String(who.id)}`);
		expect(items).toMatchObject([{ metadata: { via: 'password', second_factor: 'authenticator' } }]);
	});

	it('7: takes a code once, at whatever speed, and no sign-in twice', async () => {
		const who = await careful();
		const [one, two] = [await pendingOf(who.username), await pendingOf(who.username)];
		const code = await who.code();
		const tries = await Promise.all([give(one, code), give(two, code), give(one, code)]);
		expect(tries.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
		await env.DB.exec('delete from login_attempts');
		expect((await give(await pendingOf(who.username), code)).status).toBe(400);
		// An older one neither, though its time is not over.
		expect((await give(await pendingOf(who.username), await who.code(-1))).status).toBe(400);

		await env.DB.exec('delete from login_attempts');
		const used = await pendingOf(who.username);
		expect((await give(used, await who.code(1))).status).toBe(200);
		expect(await give(used, who.recovery_codes[0] ?? '')).toMatchObject({
			status: 401,
			body: { code: 'not_signed_in' },
		});
	});

	it('8: says the same as ever where the password is wrong, for the same work', async () => {
		const who = await careful();
		const plain = await login(fresh('nobody'), 'wrong');
		const wrong = await login(who.username, 'wrong');
		expect({ ...wrong.body, request_id: '' }).toEqual({ ...plain.body, request_id: '' });
		expect(wrong.headers.get('set-cookie')).toBeNull();
	});

	it('9: stops the guessing of codes, in all sign-ins together, for the right code too', async () => {
		const who = await careful();
		const pending = [];
		for (let n = 0; n < 12; n++) pending.push(await pendingOf(who.username));
		const guesses = await Promise.all(pending.map((cookie) => give(cookie, '000000')));
		const statuses = guesses.map(({ status }) => status).sort();
		expect(statuses).toEqual([...Array.from({ length: 5 }, () => 400), ...Array.from({ length: 7 }, () => 429)]);
		const stopped = await give(await pendingOf(who.username), await who.code());
		expect(stopped).toMatchObject({ status: 429, body: { code: 'too_many' } });
		expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(500);
	});

	it('a recovery code works once', async () => {
		const who = await careful();
		const [code = ''] = who.recovery_codes;
		const tries = await Promise.all([
			give(await pendingOf(who.username), code),
			give(await pendingOf(who.username), code.toUpperCase().replaceAll('-', ' ')),
		]);
		expect(tries.map(({ status }) => status).sort()).toEqual([200, 400]);
		expect(await who.ok('GET', '/api/me/totp')).toMatchObject({ recovery_codes_left: 9 });
		const other = await careful();
		expect((await give(await pendingOf(other.username), who.recovery_codes[1] ?? '')).status).toBe(400);
	});

	it('a secret of another UHUB_SECRET is told as that, and a recovery code still works', async () => {
		const who = await careful();
		const lost = await sealerOf('another secret').seal('second factor', String(who.id), who.secret);
		await env.DB.prepare('update second_factors set secret = ? where user_id = ?').bind(lost, who.id).run();
		const pending = await pendingOf(who.username);
		expect(await give(pending, await who.code())).toMatchObject({ status: 409, body: { code: 'conflict' } });
		expect((await give(pending, who.recovery_codes[0] ?? '')).status).toBe(200);
	});

	it('7: the first step is over after five minutes, and with what it rested on', async () => {
		const who = await careful();
		const pending = async (): Promise<PendingSignIn> => {
			const input = { username: who.username, password: PASSWORD };
			const error: unknown = await createSession(ctxFor({ kind: 'none' }), passwords, input, null).catch(
				(e: unknown) => e,
			);
			if (!(error instanceof CodeIsNeeded)) throw error;
			return error.pending;
		};
		const at = (ms: number) => ctxFor({ kind: 'none' }, { now: () => Date.now() + ms });
		const late = await pending();
		const over = { code: 'not_signed_in' };
		await expect(confirmSession(at(5 * 60_000), sealer, late, await who.code(10), null)).rejects.toMatchObject(over);
		await expect(confirmSession(at(0), sealer, null, await who.code(), null)).rejects.toMatchObject(over);

		// Another password meanwhile.
		const before = await pending();
		await env.DB.prepare('update identities set updated_at = updated_at + 1 where user_id = ?').bind(who.id).run();
		await expect(confirmSession(at(0), sealer, before, await who.code(), null)).rejects.toMatchObject(over);
		const inactive = await pending();
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(who.id).run();
		await expect(confirmSession(at(0), sealer, inactive, await who.code(), null)).rejects.toMatchObject(over);
		for (const cookie of ['made-up', await sealer.seal('cookie', 'uhub_pending', '{"user_id":1}')])
			expect((await give(`uhub_pending=${cookie}`, '123456')).status).toBe(401);
	});
});

describe('turning it off', () => {
	it('needs a code or the password, and not the session alone', async () => {
		const who = await careful();
		const disable = (body: object) => who.call('POST', '/api/me/totp/disable', { body });
		expect((await disable({})).status).toBe(400);
		expect((await disable({ code: await who.code(), password: PASSWORD })).status).toBe(400);
		expect(await disable({ password: 'wrong' })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'password' }] },
		});
		expect(await disable({ code: '000000' })).toMatchObject({ status: 400, body: { errors: [{ path: 'code' }] } });
		expect(await who.ok('GET', '/api/me/totp')).toMatchObject({ enabled: true });
		expect((await disable({ password: PASSWORD })).status).toBe(204);
		expect(await who.ok('GET', '/api/me/totp')).toMatchObject({ enabled: false, recovery_codes_left: 0 });
		expect(cookieOf((await login(who.username)).headers, 'uhub_session')).not.toBe('');
		expect((await disable({ password: PASSWORD })).status).toBe(409);
	});

	it('new recovery codes end the old ones', async () => {
		const who = await careful();
		const body = { code: await who.code() };
		const renewed = await who.ok('POST', '/api/me/totp/recovery-codes', body);
		expect(renewed.recovery_codes).toHaveLength(10);
		expect((await who.call('POST', '/api/me/totp/recovery-codes', { body })).status).toBe(400);
		expect((await give(await pendingOf(who.username), who.recovery_codes[0] ?? '')).status).toBe(400);
		const [fresh = ''] = renewed.recovery_codes as string[];
		expect((await give(await pendingOf(who.username), fresh)).status).toBe(200);
	});

	it('9: guessing there is stopped', async () => {
		const who = await careful();
		const statuses = [];
		for (let n = 0; n < 6; n++)
			statuses.push((await who.call('POST', '/api/me/totp/disable', { body: { code: '000000' } })).status);
		expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
		expect((await who.call('POST', '/api/me/totp/disable', { body: { password: PASSWORD } })).status).toBe(429);
	});

	it('an admin does it for somebody else, audited', async () => {
		const who = await careful();
		const pending = await pendingOf(who.username);
		const path = `/api/users/${String(who.id)}/totp/reset`;
		expect((await who.call('POST', path, { body: {} })).status).toBe(403);
		expect((await admin.call('POST', path, { body: {} })).status).toBe(204);
		expect((await give(pending, await who.code())).status).toBe(401);
		expect(cookieOf((await login(who.username)).headers, 'uhub_session')).not.toBe('');
		expect((await admin.call('POST', path, { body: {} })).status).toBe(409);
		expect((await admin.call('POST', '/api/users/999999/totp/reset', { body: {} })).status).toBe(404);
		const { items } = await admin.ok('GET', `/api/audit?action=second_factor.reset&object_id=${String(who.id)}`);
		expect(items).toMatchObject([{ user_id: admin.id }]);
	});
});

describe('passwords for admins only', () => {
	it('8: answers the others as if it were wrong', async () => {
		const who = await person('dev');
		const username = String((await who.ok('GET', '/api/auth/me')).username);
		await insert('identities', {
			user_id: who.id,
			provider: 'credential',
			subject: String(who.id),
			password_hash: hash,
		});
		const ctx = ctxFor({ kind: 'none' });
		const input = { username, password: PASSWORD };
		await expect(createSession(ctx, passwords, input, null, 'admins')).rejects.toMatchObject({
			code: 'not_signed_in',
			message: 'The username or the password is wrong.',
		});
		expect((await createSession(ctx, passwords, input, null)).user.id).toBe(who.id);
		await env.DB.prepare("update users set role = 'admin' where id = ?").bind(who.id).run();
		expect((await createSession(ctx, passwords, input, null, 'admins')).user.id).toBe(who.id);
	});
});
