import { env } from 'cloudflare:workers';
import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HookProvider } from '#domain/git-hook.ts';
import { ToBrowser } from '#protocol/browser.ts';
import { type Answer, type Caller, fresh, idOf, nobody, ORIGIN, person, project } from './api-world.ts';
import { TestSocket } from './live-world.ts';
import { ifMatch } from './source-world.ts';

// GitHub, GitLab and Gitea as the hub meets them: deliveries that nobody is signed in for.

const KEY = 'a key between the hub and the provider';
const HOUR = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const sha = (name: string) => name.padEnd(40, '0');

let admin: Caller;
let p: number;
let address = 0;

beforeAll(async () => {
	admin = await person('admin');
	p = await project(admin);
	await admin.ok('PUT', `/api/projects/${String(p)}/hub-secrets/git`, { value: KEY });
});

async function repo(provider: string, fields: object = { webhook_secret_ref: 'hub:git' }, project_id = p) {
	const url = 'https://git.example.com/team/code';
	const row = { provider, name: fresh('repo'), url, ...fields };
	return idOf(await admin.ok('POST', `/api/projects/${String(project_id)}/repos`, row));
}
const changesOf = async (repo_id: number) =>
	(await admin.ok('GET', `/api/projects/${String(p)}/changes?repo_id=${String(repo_id)}&sort=created_at`))
		.items as Record<string, unknown>[];

const hmac = (body: string, key = KEY) => createHmac('sha256', key).update(body).digest('hex');
const events = {
	github: ['x-github-event', 'push', 'pull_request'],
	gitea: ['x-gitea-event', 'push', 'pull_request'],
	gitlab: ['x-gitlab-event', 'Push Hook', 'Merge Request Hook'],
} as const;
const proofs: Record<HookProvider, (body: string, key?: string) => Record<string, string>> = {
	github: (body, key) => ({ 'x-hub-signature-256': `sha256=${hmac(body, key)}` }),
	gitea: (body, key) => ({ 'x-gitea-signature': hmac(body, key) }),
	gitlab: (_, key = KEY) => ({ 'x-gitlab-token': key }),
};

interface Sent {
	what?: 'push' | 'request';
	key?: string;
	headers?: Record<string, string>;
	/** Sent in the place of what was signed. */
	instead?: string;
	from?: string;
}
function send(
	provider: HookProvider,
	repo_id: number | string,
	body: object | string,
	sent: Sent = {},
): Promise<Answer> {
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	const [header, push, request] = events[provider];
	return nobody('POST', `/api/hooks/${provider}/${String(repo_id)}`, {
		raw: sent.instead ?? text,
		headers: {
			'content-type': 'application/json',
			'cf-connecting-ip': sent.from ?? `192.0.2.${String(++address)}`,
			[header]: sent.what === 'request' ? request : push,
			...proofs[provider](text, sent.key),
			...sent.headers,
		},
	});
}

const push = (ids: string[], at = ago(HOUR)) => ({
	ref: 'refs/heads/main',
	commits: ids.map((id) => ({ id: sha(id), message: `${id}: a change`, timestamp: at, author: { name: 'Mina' } })),
	repository: { pushed_at: Math.floor(Date.parse(at) / 1000), updated_at: at },
});
const request = (provider: HookProvider, title: string, at = ago(HOUR)) =>
	provider === 'gitlab'
		? { user: { name: 'Mina' }, object_attributes: { iid: 7, title, updated_at: at, source_branch: 'fix' } }
		: { number: 7, pull_request: { title, updated_at: at, user: { login: 'Mina' }, head: { ref: 'fix' } } };

describe('29: a repository is told by its provider', () => {
	it.each(['github', 'gitea', 'gitlab'] as const)('29: of commits and requests: %s', async (provider) => {
		const id = await repo(provider);
		expect(await send(provider, id, push(['aa', 'bb']))).toMatchObject({ status: 200, body: { taken: 2 } });
		const asked = request(provider, 'Mend the basket');
		expect(await send(provider, id, asked, { what: 'request' })).toMatchObject({ status: 200, body: { taken: 1 } });
		const kind = provider === 'gitlab' ? 'merge_request' : 'pull_request';
		expect(await changesOf(id)).toMatchObject([
			{ change_type: 'commit', external_id: sha('aa'), title: 'aa: a change', author: 'Mina', branch: 'main' },
			{ change_type: 'commit', external_id: sha('bb') },
			{ change_type: kind, external_id: '7', title: 'Mend the basket', branch: 'fix', job_id: null, verdict: null },
		]);
		const { items } = await admin.ok('GET', `/api/audit?object_type=GitRepo&object_id=${String(id)}`);
		expect(items).toMatchObject([
			{ action: 'change.receive', actor_kind: 'system', project_id: p },
			{ action: 'change.receive' },
			{ action: 'repo.create' },
		]);
		const row = await admin.ok('GET', `/api/repos/${String(id)}`);
		expect(Date.parse(String(row.last_synced_at))).toBeGreaterThan(Date.now() - HOUR);
	});

	it('29: and whoever looks at the project sees it at once', async () => {
		const id = await repo('gitea');
		const page = await TestSocket.open(`/live/projects/${String(p)}`, { cookie: admin.cookie, origin: ORIGIN });
		page.ws.send(JSON.stringify({ type: 'hello', v: 1, since: null }));
		await send('gitea', id, push(['cc']));
		const told = () =>
			page.messages.flatMap((text) => {
				const frame = typeof text === 'string' ? ToBrowser.parse(JSON.parse(text)) : null;
				return frame?.type === 'changes' ? frame.changes : [];
			});
		for (const row of [{ repo_id: id, title: 'cc: a change' }, { last_synced_at: expect.any(String) as string }])
			await expect
				.poll(told, { timeout: 30_000 })
				.toContainEqual(expect.objectContaining({ row: expect.objectContaining(row) as object }));
	});

	it('29: what people made of a change stays theirs; of a request the newer word counts, in any order', async () => {
		const id = await repo('github');
		await send('github', id, request('github', 'first', ago(3 * HOUR)), { what: 'request' });
		const [row] = await changesOf(id);
		if (!row) throw new Error('no change');
		const incident = await admin.ok('POST', `/api/projects/${String(p)}/incidents`, { title: 'down' });
		const patch = { incident_id: incident.id, verdict: 'suspect' };
		await admin.ok('PATCH', `/api/changes/${String(row.id)}`, patch, ifMatch(row));
		await send('github', id, request('github', 'third', ago(HOUR)), { what: 'request' });
		await send('github', id, request('github', 'second', ago(2 * HOUR)), { what: 'request' });
		expect(await changesOf(id)).toMatchObject([{ ...patch, title: 'third', version: 3 }]);
	});

	it('29: what was told is not told twice, alone or at once', async () => {
		const id = await repo('gitlab');
		const body = push(['dd']);
		expect((await send('gitlab', id, body)).body).toEqual({ taken: 1, ignored: false });
		const before = await state();
		expect(await send('gitlab', id, body)).toMatchObject({ status: 200, body: { taken: 0, ignored: true } });
		expect(await state()).toEqual(before);

		const once = push(['ee', 'ff']);
		const answers = await Promise.all(Array.from({ length: 4 }, () => send('gitlab', id, once)));
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
		expect(answers.filter(({ body: { taken } }) => taken === 2)).toHaveLength(1);
		expect(await changesOf(id)).toHaveLength(3);
	});
});

/** All that a delivery could change, but for the counted attempts. */
const state = async () =>
	(
		await env.DB.batch(
			['git_changes', 'git_repos', 'hook_deliveries', 'audit_logs'].map((table) =>
				env.DB.prepare(`select * from ${table} order by rowid`),
			),
		)
	).map(({ results }) => results);

describe('29: what is not proved, or cannot be, changes nothing', () => {
	it('29: one answer for all of it', async () => {
		const elsewhere = await project(admin);
		const [github, gitlab, bare, vault, gone, strange] = await Promise.all([
			repo('github'),
			repo('gitlab'),
			repo('github', {}),
			repo('github', { webhook_secret_ref: 'env:KEY' }),
			repo('github', { webhook_secret_ref: 'hub:forgotten' }),
			repo('github', undefined, elsewhere),
		]);
		const body = push(['99']);
		const before = await state();
		const answers = await Promise.all([
			send('github', github, body, { key: 'another key, as long as this' }),
			send('github', github, body, { key: '' }),
			send('github', github, body, { instead: JSON.stringify(push(['98'])) }),
			send('github', github, body, { headers: { 'x-hub-signature-256': '' } }),
			send('github', github, body, { headers: { 'x-hub-signature-256': hmac(JSON.stringify(body)) } }),
			send('github', github, body, { headers: { 'x-hub-signature-256': 'sha256=' } }),
			send('github', github, '', { key: 'another key, as long as this' }),
			send('gitlab', gitlab, body, { key: KEY.slice(1) }),
			send('gitlab', gitlab, body, { headers: { 'x-gitlab-token': '' } }),
			send('gitea', github, body),
			send('gitlab', github, body),
			send('github', gitlab, body),
			send('github', bare, body),
			send('github', vault, body),
			send('github', gone, body),
			send('github', strange, body),
			send('github', 9_000_001, body),
		]);
		for (const { status, body: said } of answers)
			expect({ status, said }).toMatchObject({ status: 401, said: { code: 'not_signed_in' } });
		expect(new Set(answers.map(({ body: said }) => said.detail)).size).toBe(1);
		expect(await state()).toEqual(before);
	});

	it('29: an old delivery, kept by somebody', async () => {
		const id = await repo('github');
		const before = await state();
		const old = ago(4 * 24 * HOUR);
		expect((await send('github', id, push(['11'], old))).status).toBe(400);
		expect((await send('github', id, request('github', 'old', old), { what: 'request' })).status).toBe(400);
		expect(await state()).toEqual(before);
	});

	it('29 5: too large, no JSON, another type, no such provider, another event', async () => {
		const id = await repo('github');
		const before = await state();
		expect((await send('github', id, 'x'.repeat(5_242_881))).status).toBe(413);
		for (const broken of ['', '{', 'payload=%7B%7D'])
			expect((await send('github', id, broken)).status, broken).toBe(400);
		const form = { 'content-type': 'application/x-www-form-urlencoded' };
		expect((await send('github', id, push(['12']), { headers: form })).status).toBe(415);
		for (const path of ['/api/hooks/other/1', '/api/hooks/github/x', '/api/hooks/__proto__/1'])
			expect((await nobody('POST', path, { raw: '{}' })).status, path).toBe(404);
		for (const event of ['ping', 'issues', '__proto__', ''])
			expect(await send('github', id, push(['13']), { headers: { 'x-github-event': event } })).toMatchObject({
				status: 200,
				body: { taken: 0, ignored: true },
			});
		expect(await state()).toEqual(before);
	});

	it('29: an archived project', async () => {
		const archived = await project(admin);
		await admin.ok('PUT', `/api/projects/${String(archived)}/hub-secrets/git`, { value: KEY });
		const id = await repo('gitea', undefined, archived);
		const row = await admin.ok('GET', `/api/projects/${String(archived)}`);
		await admin.ok('PATCH', `/api/projects/${String(archived)}`, { status: 'archived' }, ifMatch(row));
		const before = await state();
		expect(await send('gitea', id, push(['14']))).toMatchObject({ status: 409, body: { code: 'conflict' } });
		expect(await state()).toEqual(before);
	});

	it('29: who guesses waits; who knows the key is not counted', async () => {
		const id = await repo('gitlab');
		const from = '198.51.100.7';
		for (let n = 0; n < 60; n++) {
			const { status } = await send('gitlab', id, {}, { key: `guess ${String(n)} of the key`, from });
			expect(status).toBe(401);
			if (n === 30) expect((await send('gitlab', id, push(['15']), { from })).status).toBe(200);
		}
		const late = await send('gitlab', id, {}, { key: 'one guess more, of many', from });
		expect(late.status).toBe(429);
		expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
		expect((await send('gitlab', id, push(['16']))).status).toBe(200);
	});
});
