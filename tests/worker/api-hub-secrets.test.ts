import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { sealerOf } from '#worker/services/sealed.ts';
import { openHubSecret } from '#worker/services/hub_secrets/rows.ts';
import { type Caller, ctxFor, person, project } from './api-world.ts';

let ops: Caller, dev: Caller;
let p: number, other: number;
const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const at = (project_id: number, name = '') => `/api/projects/${String(project_id)}/hub-secrets${name && `/${name}`}`;
const opened = (project_id: number, ref: string, secret = env.UHUB_SECRET) =>
	openHubSecret(ctxFor({ kind: 'actor', actor: { kind: 'system' } }), sealerOf(secret), project_id, ref);

beforeAll(async () => {
	const owner = await person('projets');
	[ops, dev] = await Promise.all([person('ops'), person('dev')]);
	p = await project(owner, [
		[ops, 'operate'],
		[dev, 'manage'],
	]);
	other = await project(owner, [[ops, 'operate']]);
});

describe("the hub's own keys", () => {
	it('are set, set anew, and never shown: not in an answer, the record or the audit', async () => {
		const made = await ops.ok('PUT', at(p, 'deploy'), { value: KEY });
		expect(made).toMatchObject({ project_id: p, name: 'deploy', usable: true, version: 1 });
		expect(await opened(p, 'hub:deploy')).toBe(KEY);
		const again = await ops.ok('PUT', at(p, 'deploy'), { value: `${KEY}-2` });
		expect(again).toMatchObject({ id: made.id, version: 2 });
		expect(await opened(p, 'hub:deploy')).toBe(`${KEY}-2`);

		const { items } = await ops.ok('GET', at(p));
		expect(items).toEqual([again]);
		const tables = await env.DB.batch([
			env.DB.prepare('select * from hub_secrets'),
			env.DB.prepare('select * from audit_logs'),
		]);
		for (const said of [made, again, items, tables.map(({ results }) => results)])
			expect(JSON.stringify(said)).not.toContain(KEY.slice(6));
	});

	it('open in their project alone, for this hub alone, and are gone when forgotten', async () => {
		await ops.ok('PUT', at(p, 'chat'), { value: KEY });
		expect(await opened(other, 'hub:chat')).toBeNull();
		expect(await opened(p, 'hub:chat', 'another secret, as long as the first one was')).toBeNull();
		await env.DB.prepare('update hub_secrets set project_id = ? where project_id = ? and name = ?')
			.bind(other, p, 'deploy')
			.run();
		expect((await ops.call('DELETE', at(p, 'chat'))).status).toBe(204);
		expect(await opened(p, 'hub:chat')).toBeNull();
		expect((await ops.call('DELETE', at(p, 'chat'))).status).toBe(404);
	});

	it.each([
		['a short one', 'k', { value: 'too short' }, 400],
		['no text', 'k', { value: 1234567890123456 }, 400],
		['an unknown key', 'k', { value: KEY, role: 'admin' }, 400],
		['a name that is a path', '..%2Fx', { value: KEY }, 404],
		['a name with a line break', 'a%0Ab', { value: KEY }, 404],
	])('refuse %s', async (_, name, body, status) => {
		const answer = await ops.call('PUT', at(p, name), { body });
		expect(answer.status).toBe(status);
		expect(JSON.stringify(answer.body)).not.toContain(KEY);
	});

	it('are not for who manages the project and is no keeper of it', async () => {
		expect((await dev.call('GET', at(p))).status).toBe(403);
		expect((await dev.call('PUT', at(p, 'x'), { body: { value: KEY } })).status).toBe(403);
	});
});
