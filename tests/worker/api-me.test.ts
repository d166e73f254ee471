import { beforeAll, describe, expect, it } from 'vitest';
import { changePassword } from '#worker/services/me/password.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { type Answer, type Caller, caller, ctxFor, insert, nobody, person, session } from './api-world.ts';

const OLD = 'the password I had';
const NEW = 'the password I want';
let hash: string;
let address = 0;

beforeAll(async () => {
	hash = await passwords.hash(OLD);
});

async function account(): Promise<Caller> {
	const who = await person('dev');
	await insert('identities', { user_id: who.id, provider: 'credential', subject: String(who.id), password_hash: hash });
	return who;
}
const login = async (who: Caller, password: string) => {
	const { username } = await who.ok('GET', '/api/auth/me');
	const headers = { 'cf-connecting-ip': `203.0.113.${String(++address)}` };
	return nobody('POST', '/api/auth/login', { body: { username, password }, headers });
};
const change = (who: Pick<Caller, 'call'>, current_password: string, password = NEW) =>
	who.call('POST', '/api/me/password', { body: { current_password, password } });
const at = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });

describe('my own account', () => {
	it('takes a name, an e-mail, a theme and a language', async () => {
		const who = await account();
		const me = await who.ok('GET', '/api/auth/me');
		const body = { display_name: 'Me', email: `me${String(who.id)}@example.org`, theme: 'light', locale: 'fr' };
		expect(await who.ok('PATCH', '/api/me', body, at(me))).toMatchObject(body);
		const wrong = await who.call('PATCH', '/api/me', { body: { email: 'no' }, headers: { 'if-match': '"v2"' } });
		expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'email' }] } });
	});

	it('3: takes no role, no activity and no name to sign in with', async () => {
		const who = await account();
		const me = await who.ok('GET', '/api/auth/me');
		for (const body of [{ role: 'admin' }, { is_active: false }, { username: 'root' }, { version: 9 }, { id: 1 }])
			expect((await who.call('PATCH', '/api/me', { body, headers: at(me) })).status).toBe(400);
		expect(await who.ok('GET', '/api/auth/me')).toEqual(me);
	});
});

describe('7: my own password', () => {
	it('7: needs the present one, and ends every session but this one', async () => {
		const who = await account();
		const other = caller(await session(who.id));
		expect(await change(who, 'a guess')).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'current_password' }] },
		});
		expect((await other('GET', '/api/auth/me')).status).toBe(200);
		expect(await change(who, OLD, 'short')).toMatchObject({ status: 400, body: { errors: [{ path: 'password' }] } });
		expect(await change(who, OLD, OLD)).toMatchObject({ status: 400, body: { errors: [{ path: 'password' }] } });

		expect((await change(who, OLD)).status).toBe(204);
		expect((await other('GET', '/api/auth/me')).status).toBe(401);
		expect((await who.call('GET', '/api/auth/me')).status).toBe(200);
		expect((await login(who, OLD)).status).toBe(401);
		expect((await login(who, NEW)).status).toBe(200);
		expect((await change({ call: nobody }, OLD)).status).toBe(401);
	});

	it('9: guesses are limited, also for the right one, and all at once', async () => {
		const who = await account();
		const answers = await Promise.all(Array.from({ length: 14 }, (_, i) => change(who, `guess ${String(i)}`)));
		expect(answers.filter((a) => a.status === 400)).toHaveLength(10);
		expect(answers.filter((a) => a.status === 429)).toHaveLength(4);
		expect(await change(who, OLD)).toMatchObject({ status: 429, body: { code: 'too_many' } });
		// Signing in is counted apart.
		expect((await login(who, OLD)).status).toBe(200);
	});

	it('is changed once by two who know it, and by nobody whose session ends meanwhile', async () => {
		const who = await account();
		const both = await Promise.all([change(who, OLD, 'first new password'), change(who, OLD, 'second new password')]);
		expect(both.map((a) => a.status).sort()).toEqual([204, 400]);

		const gone = await account();
		const ctx = ctxFor({ kind: 'session', hash: 'none' });
		await expect(changePassword(ctx, passwords, { current_password: OLD, password: NEW })).rejects.toMatchObject({
			code: 'not_signed_in',
		});
		expect((await login(gone, OLD)).status).toBe(200);
	});

	it('is not there for an account that signs in elsewhere', async () => {
		expect(await change(await person('dev'), OLD)).toMatchObject({ status: 409 });
	});
});

describe('my sessions', () => {
	it('are mine alone, without their tokens; each can be ended, and all others at once', async () => {
		const [who, stranger] = [await account(), await account()];
		const cookies = [await session(who.id), await session(who.id), await session(who.id)];
		await session(who.id, Date.now() - 1);
		const list = async () => (await who.ok('GET', '/api/me/sessions')).items as { id: number; current: boolean }[];
		const before = await list();
		expect(before).toHaveLength(4);
		expect(before.filter((s) => s.current)).toHaveLength(1);
		expect(JSON.stringify(before)).not.toContain('token');

		const [victim] = before.filter((s) => !s.current);
		const path = `/api/me/sessions/${String(victim?.id)}`;
		expect((await stranger.call('DELETE', path)).status).toBe(404);
		expect((await who.call('DELETE', path)).status).toBe(204);
		expect((await who.call('DELETE', path)).status).toBe(404);
		expect(await list()).toHaveLength(3);

		expect((await who.call('DELETE', '/api/me/sessions')).status).toBe(204);
		expect(await list()).toMatchObject([{ current: true }]);
		for (const cookie of cookies) expect((await caller(cookie)('GET', '/api/auth/me')).status).toBe(401);
		expect((await stranger.call('GET', '/api/auth/me')).status).toBe(200);
	});

	it('5: are not ended by another site', async () => {
		const who = await account();
		const answer = await who.call('DELETE', '/api/me/sessions', { headers: { origin: 'http://evil.test' } });
		expect(answer.status).toBe(403);
	});
});
