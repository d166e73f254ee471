// The hub's part of signed jobs: what is to be signed, that what was signed is that, and what goes to agents.
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobSignature } from '#domain/job-signature.ts';
import { templateOf } from '#protocol/run-spec.ts';
import { loadDispatches } from '#worker/services/runs/spec.ts';
import { type Caller, ctxFor, fresh, idOf, ORIGIN, person, project } from './api-world.ts';
import { runOf } from './live-world.ts';
import { signed } from './signing.ts';
import { ifMatch } from './source-world.ts';

let ops: Caller;
let owner: Caller;
let p: number;
let staging: number;
let script: number;

beforeAll(async () => {
	[ops, owner] = await Promise.all([person('ops'), person('projets')]);
	p = await project(owner, [[ops, 'operate']]);
	const at = `/api/projects/${String(p)}`;
	staging = idOf(await owner.ok('POST', `${at}/environments`, { name: 'staging', type: 'staging' }));
	const body = { tool: 'shell', name: 'deploy.sh', location_type: 'uploaded', content: 'true\n' };
	script = idOf(await ops.ok('POST', `${at}/scripts`, body));
});

const jobOf = async (fields: object = {}): Promise<number> =>
	idOf(
		await ops.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: fresh('job'),
			job_type: 'ops',
			script_ids: [script],
			...fields,
		}),
	);
const at = (id: number, query = '') => `/api/jobs/${String(id)}/signature${query}`;
const put = (id: number, body: object, query = '') => ops.call('PUT', at(id, query), { body });
const signatures = async (id: number) =>
	(await ops.ok('GET', `/api/jobs/${String(id)}/signatures`)).items as JobSignature[];
const edit = async (id: number, patch: object) => {
	const job = await ops.ok('GET', `/api/jobs/${String(id)}`);
	await ops.ok('PATCH', `/api/jobs/${String(id)}`, patch, ifMatch(job));
};
const specOf = async (run_id: number) => {
	const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
	return (await loadDispatches(ctx, [run_id])).get(run_id)?.spec;
};

describe("a job's template", () => {
	it('is what its runs have in common, for this hub, with a number that grows', async () => {
		const id = await jobOf({ arguments: ['-v'], timeout_s: 120 });
		const { template } = await signed(ops, id);
		expect(template).toMatchObject({
			hub: ORIGIN,
			environment_id: null,
			template: {
				v: 1,
				job_id: id,
				environment: null,
				arguments: ['-v'],
				timeout_s: 120,
				steps: [{ name: 'deploy.sh' }],
			},
		});
		expect(Math.abs(template.serial - Date.now() / 1000)).toBeLessThan(60);
		const spec = await specOf(await runOf(ops, id));
		expect(spec && templateOf(spec)).toEqual(template.template);
		expect(spec).not.toHaveProperty('signature');
	});

	it('is of the environment the job runs in unless a run says otherwise, or of another', async () => {
		const id = await jobOf({ environment_id: staging });
		expect((await signed(ops, id)).template).toMatchObject({
			environment_id: staging,
			template: { environment: 'staging' },
		});
		const bare = await jobOf();
		const there = await signed(ops, bare, { query: `?environment_id=${String(staging)}` });
		expect(there.template.template['environment']).toBe('staging');
	});

	it.each([
		['of a foreign environment', () => '?environment_id=999999', 400],
		['of what is no environment', () => '?environment_id=x', 400],
		['with what nobody knows', () => '?force=1', 400],
	])('2: is not given %s', async (_, query, status) => {
		const id = await jobOf();
		expect((await ops.call('GET', `/api/jobs/${String(id)}/template${query()}`)).status).toBe(status);
	});

	it('is none where nothing could run, which is said', async () => {
		const answer = await ops.call('GET', `/api/jobs/${String(await jobOf({ script_ids: [] }))}/template`);
		expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
	});
});

describe('a signature', () => {
	it('is kept, told, written into the audit, sent with runs there and nowhere else, and taken back', async () => {
		const id = await jobOf();
		const query = `?environment_id=${String(staging)}`;
		const { body, key } = await signed(ops, id, { query, not_after: '2999-01-01T00:00:00.000Z' });
		expect((await put(id, body, query)).body).toMatchObject({ environment_id: staging, key, current: true });
		expect(await signatures(id)).toMatchObject([{ environment_id: staging, serial: body.serial, current: true }]);

		const there = await specOf(idOf(await ops.ok('POST', `/api/jobs/${String(id)}/runs`, { environment_id: staging })));
		expect(there?.signature).toEqual(body);
		expect(await specOf(await runOf(ops, id))).not.toHaveProperty('signature');

		expect((await ops.call('DELETE', at(id, query))).status).toBe(204);
		expect(await signatures(id)).toEqual([]);
		expect((await ops.call('DELETE', at(id, query))).status).toBe(404);
		const { results } = await env.DB.prepare(
			`select action, json_extract(metadata, '$.key') as key from audit_logs where object_type = 'Job' and object_id = ? and action like 'job.%sign' order by id`,
		)
			.bind(id)
			.all();
		expect(results).toEqual([
			{ action: 'job.sign', key },
			{ action: 'job.unsign', key },
		]);
	});

	it('39: is not taken under anything but the job as it is now, for this hub', async () => {
		const id = await jobOf();
		const { body, template } = await signed(ops, id);
		const other = { ...template.template, timeout_s: 1 };
		for (const [what, wrong] of Object.entries({
			'another hub': (await signed(ops, id, { change: { hub: 'https://other.example' } })).body,
			'another template': (await signed(ops, id, { change: { template: other } })).body,
			'another environment': (await signed(ops, id, { query: `?environment_id=${String(staging)}` })).body,
			'another job': (await signed(ops, await jobOf())).body,
			'another number': { ...body, serial: body.serial - 1 },
			'another end': { ...body, not_after: '2999-01-01T00:00:00.000Z' },
			'another key': { ...body, key: (await signed(ops, id)).key },
			'a key that is none': { ...body, key: '_'.repeat(43) },
		})) {
			const answer = await put(id, wrong);
			expect(answer, what).toMatchObject({ status: 409, body: { code: 'conflict' } });
			expect(JSON.stringify(answer.body)).toContain(template.template_sha256);
		}
		expect(await signatures(id)).toEqual([]);
		expect((await put(id, body)).status).toBe(200);
	});

	it('39: is not taken again, nor an earlier one after it, nor one from ahead', async () => {
		const id = await jobOf();
		const first = await signed(ops, id);
		const second = await signed(ops, id, { change: { serial: first.template.serial + 1 } });
		expect((await put(id, first.body)).status).toBe(200);
		expect((await put(id, first.body)).status).toBe(409);
		expect((await put(id, second.body)).status).toBe(200);
		expect((await put(id, first.body)).status).toBe(409);
		const ahead = await signed(ops, id, { change: { serial: Number.MAX_SAFE_INTEGER } });
		expect(await put(id, ahead.body)).toMatchObject({ status: 400, body: { errors: [{ path: 'serial' }] } });
		const over = await signed(ops, id, { not_after: '2020-01-01T00:00:00.000Z' });
		expect(await put(id, over.body)).toMatchObject({ status: 400, body: { errors: [{ path: 'not_after' }] } });
		expect(await signatures(id)).toMatchObject([{ serial: second.body.serial }]);
	});

	it.each([
		['a short key', { key: 'abc' }],
		['no value', { value: undefined }],
		['a number that is none', { serial: 0 }],
		['a time that is none', { not_after: 'tomorrow' }],
		['an unknown field', { user_id: 1 }],
	])('is refused with %s, by the name of the field', async (_, change) => {
		const id = await jobOf();
		const { body } = await signed(ops, id);
		expect(await put(id, { ...body, ...change })).toMatchObject({ status: 400, body: { code: 'invalid' } });
	});

	it('stays, and is told not to hold any more, when anything of the job changes', async () => {
		const id = await jobOf({ environment_id: staging });
		for (const patch of [{ timeout_s: 77 }, { arguments: ['x'] }, { parameters_schema: [] }, { script_ids: [] }]) {
			expect((await put(id, (await signed(ops, id)).body)).status).toBe(200);
			await edit(id, { title: fresh('a title is for people alone ') });
			expect(await signatures(id)).toMatchObject([{ current: true }]);
			await edit(id, patch);
			expect(await signatures(id)).toMatchObject([{ current: false }]);
		}
	});

	it('goes with its environment', async () => {
		const env_id = idOf(
			await owner.ok('POST', `/api/projects/${String(p)}/environments`, { name: fresh('env'), type: 'dev' }),
		);
		const id = await jobOf();
		const query = `?environment_id=${String(env_id)}`;
		await put(id, (await signed(ops, id, { query })).body, query);
		const row = await owner.ok('GET', `/api/environments/${String(env_id)}`);
		await owner.ok('DELETE', `/api/environments/${String(env_id)}`, undefined, ifMatch(row));
		expect(await signatures(id)).toEqual([]);
	});
});
