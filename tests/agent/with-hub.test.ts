// The agent as operators get it, with a real hub: what only the two together can show.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';
import { enrol, WireAgent } from '#tests/support/wire-agent.ts';

let hub: TestHub;
let admin: Api;
let agent: RealAgent;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	agent = await realAgent(admin);
});

afterAll(async () => {
	await agent.remove();
	await hub.stop();
});

const filesHolding = (dir: string, text: string): string[] =>
	readdirSync(dir, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath, entry.name))
		.filter((file) => readFileSync(file).includes(text));

async function runs(script: string, fields: Record<string, unknown> = {}, parameters: Record<string, unknown> = {}) {
	const { job_id } = await admin.jobWith(script, fields);
	const id = await admin.run(job_id, { parameters });
	return { id, row: await admin.ended(id), log: await admin.log(id) };
}

describe('a run', () => {
	it('of several scripts carries them out in their order, and its log says which is which', async () => {
		const { project_id } = await admin.jobWith('true');
		const script_ids: unknown[] = [];
		for (const name of ['first', 'second', 'third']) {
			const content = `#!/bin/sh\necho "this is ${name}"\n[ ${name} != second ] || exit 7\n`;
			const script = { tool: 'shell', name, location_type: 'uploaded', content };
			script_ids.push((await admin.ok('POST', `/api/projects/${String(project_id)}/scripts`, script)).id);
		}
		const job = await admin.ok('POST', `/api/projects/${String(project_id)}/jobs`, {
			title: 'steps',
			job_type: 'ops',
			script_ids,
		});
		const id = await admin.run(job.id as number);
		const row = await admin.ended(id);
		expect(row).toMatchObject({ status: 'failed', exit_code: 7, reason: { code: 'exit_code' } });
		const log = (await admin.log(id)).toString();
		const at = ['1/3 first', 'this is first', '2/3 second', 'this is second'].map((text) => log.indexOf(text));
		expect(at.every((n) => n >= 0)).toBe(true);
		expect(at).toEqual([...at].sort((a, b) => a - b));
		expect(log).not.toContain('this is third');

		const steps = row['steps'] as { from: number; to: number }[];
		expect(steps).toMatchObject([
			{ n: 1, name: 'first', tool: 'shell', host: null, status: 'success', exit_code: 0, reason: null },
			{ n: 2, name: 'second', status: 'failed', exit_code: 7, reason: { code: 'exit_code' } },
		]);
		const bytes = await admin.log(id);
		for (const [i, { from, to }] of steps.entries())
			expect(bytes.subarray(from, to).toString()).toBe(`this is ${['first', 'second'][i] ?? ''}\n`);
	});

	it('39: whose script is edited while it waits for its turn never runs: neither what was clicked nor the new one', async () => {
		const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-edited-'));
		const [go, canary] = [path.join(dir, 'go'), path.join(dir, 'canary')];
		const before = `#!/bin/sh\necho was >> ${canary}\nuntil [ -e ${go} ]; do sleep 0.05; done\n`;
		const { job_id } = await admin.jobWith(before, { concurrency_key: 'turn', retry: null });
		const first = await admin.run(job_id);
		const second = await admin.run(job_id);
		const { script_ids } = await admin.get(`/api/jobs/${String(job_id)}`);
		const script = `/api/scripts/${String((script_ids as number[])[0])}`;
		const { version, name } = await admin.get(script);
		const edited = { content: `#!/bin/sh\necho is >> ${canary}\n` };
		await admin.ok('PATCH', script, edited, { 'if-match': `"v${String(version)}"` });
		writeFileSync(go, '');
		expect(await admin.ended(first)).toMatchObject({ status: 'success' });
		const ended = await admin.ended(second);
		expect(ended).toMatchObject({ status: 'failed', started_at: null, reason: { code: 'request_changed' } });
		expect((ended.reason as { message: string }).message).toContain(String(name));
		expect(readFileSync(canary, 'utf8')).toBe('was\n');

		const again = await admin.ok('POST', `/api/runs/${String(second)}/retry`, {});
		expect(await admin.ended(again.id as number)).toMatchObject({ status: 'success' });
		expect(readFileSync(canary, 'utf8')).toBe('was\nis\n');
		rmSync(dir, { recursive: true });
	});

	it('40: gives parameters and arguments as they are, however a shell would read them', async () => {
		const nasty = '$(touch canary); `id` "quoted" \'single\' * ~ \n \u00e9';
		const { row, log } = await runs(
			'#!/bin/sh\nprintf "%s|" "$UHUB_PARAM_TEXT" "$@"\nls | wc -l\n',
			{
				parameters_schema: [
					{ name: 'TEXT', type: 'text', required: true },
					{ name: 'COUNT', type: 'number', default: 3 },
					{ name: 'FLAG', type: 'text', allow_dash: true, default: '-x' },
				],
				arguments: ['plain', '--count={{COUNT}}', '{{FLAG}}', '{{TEXT}}', '{{UNKNOWN}}'],
			},
			{ TEXT: nasty },
		);
		expect(row).toMatchObject({ status: 'success', parameters: { TEXT: nasty, COUNT: '3', FLAG: '-x' } });
		expect(log.toString()).toBe(`${nasty}|plain|--count=3|-x|${nasty}||0\n`);
	});

	it('keeps bytes of any kind as they are', async () => {
		const { row, log } = await runs('#!/bin/sh\nprintf "a\\0b\\377\\033[31m\\r\\n"\nhead -c 300000 /dev/zero\n');
		expect(row).toMatchObject({ status: 'success', log_bytes: 300_011 });
		expect(log.subarray(0, 11)).toEqual(Buffer.from('a\0b\xff\x1b[31m\r\n', 'latin1'));
		expect(log.length).toBe(300_011);
	});

	it('takes a line of 50 MB, whole, and answers its lines cut', async () => {
		const { id, row, log } = await runs('#!/bin/sh\nhead -c 50000000 /dev/zero | tr "\\0" x\necho\necho after\n');
		expect(row).toMatchObject({ status: 'success', log_bytes: 50_000_007, log_lines: 2 });
		expect(createHash('sha256').update(log).digest('hex')).toBe(
			createHash('sha256').update(Buffer.alloc(50_000_000, 'x')).update('\nafter\n').digest('hex'),
		);
		const { items } = (await admin.get(`/api/runs/${String(id)}/log/lines?from=1&count=2`)) as {
			items: { text: string }[];
		};
		expect(items[0]?.text.length).toBeLessThanOrEqual(65_536);
		expect(items[1]?.text).toBe('after');
	});

	it('48: a flood beside it does not hold up another', async () => {
		const flood = await admin.jobWith('#!/bin/sh\nwhile :; do echo "a line of the flood, again and again"; done\n');
		const flooding = await admin.run(flood.job_id);
		const { row } = await runs('#!/bin/sh\necho quick\n');
		expect(row).toMatchObject({ status: 'success', stdout_excerpt: 'quick\n' });
		await admin.ok('POST', `/api/runs/${String(flooding)}/cancel`, {});
		expect(await admin.ended(flooding)).toMatchObject({ status: 'canceled' });
	});

	it("that the agent's policy refuses fails with the agent's reason, and nothing is started", async () => {
		const strict = await realAgent(admin, {
			labels: { strict: 'yes' },
			policy: 'version: 1\nprojects: all\nbackends: [local]\ntools: [shell]\n',
		});
		const { row, log } = await runs('#!/bin/sh\necho no\n', { labels: { strict: 'yes' } });
		expect(row).toMatchObject({ status: 'failed', started_at: null, reason: { code: 'refused_by_policy' } });
		expect(log.length).toBe(0);
		await strict.remove();
	});
});

describe('46, 47: a secret parameter', () => {
	const secret = 'canary-tr0ub4dor-4921';
	const digest = createHash('sha256').update(secret).digest('hex');
	let dir: string;
	let keeper: RealAgent;
	let project_id: number;
	const script = () => `#!/bin/sh
cat /proc/$$/cmdline /proc/$$/environ > ${dir}/seen
echo "$UHUB_PARAM_TOKEN_FILE" > ${dir}/file
sha256sum < "$UHUB_PARAM_TOKEN_FILE"
cat "$UHUB_PARAM_TOKEN_FILE"; echo " is what it was"
`;
	const fields = {
		labels: { keeps: 'secrets' },
		parameters_schema: [{ name: 'TOKEN', type: 'secret', required: true }],
	};
	beforeAll(async () => {
		dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-seen-'));
		project_id = (await admin.ok('POST', '/api/projects', { name: 'with a secret' })).id as number;
		keeper = await realAgent(admin, {
			labels: fields.labels,
			env: { CANARY: secret, OTHER: 'another secret' },
			policy: `version: 1
projects: all
backends: [local]
tools: [shell]
scripts: { uploaded: true }
secrets: { ${String(project_id)}: ['env:CANARY'] }
`,
		});
	});
	afterAll(async () => {
		await keeper.remove();
		rmSync(dir, { recursive: true, force: true });
	});

	it('46: reaches the script as a file, and nothing else of the run, the agent or the hub', async () => {
		const { job_id } = await admin.jobInProject(project_id, script(), fields);
		const id = await admin.run(job_id, { parameters: { TOKEN: 'env:CANARY' } });
		expect(await admin.ended(id)).toMatchObject({
			status: 'success',
			parameters: {},
			secret_parameters: { TOKEN: 'env:CANARY' },
		});
		expect((await admin.log(id)).toString()).toBe(`${digest}  -\n*** is what it was\n`);
		expect(readFileSync(path.join(dir, 'seen'), 'latin1')).not.toContain(secret);
		expect(existsSync(readFileSync(path.join(dir, 'file'), 'utf8').trim())).toBe(false);
		expect(keeper.output()).not.toContain(secret);
		for (const place of [keeper.home, hub.dataDir]) expect(filesHolding(place, secret)).toEqual([]);
	});

	it('46: is a reference, and never the secret itself', async () => {
		const { job_id } = await admin.jobInProject(project_id, script(), fields);
		const said = async (parameters: object) =>
			(await admin.call('POST', `/api/jobs/${String(job_id)}/runs`, { parameters })).status;
		expect(await said({ TOKEN: secret })).toBe(400);
		expect(await said({})).toBe(400);
	});

	it('47: is refused where the policy does not give it to the project', async () => {
		const refused = async (project: number, TOKEN: string) => {
			const { job_id } = await admin.jobInProject(project, script(), fields);
			return admin.ended(await admin.run(job_id, { parameters: { TOKEN } }));
		};
		const other = (await admin.ok('POST', '/api/projects', { name: 'without' })).id as number;
		const refusal = { status: 'failed', started_at: null, reason: { code: 'refused_by_policy' } };
		expect(await refused(project_id, 'env:OTHER')).toMatchObject(refusal);
		expect(await refused(other, 'env:CANARY')).toMatchObject(refusal);
	});
});

describe("38: an agent that speaks of another's run", () => {
	it('changes nothing, and the run goes on to the end its own agent gives it', async () => {
		const [a, b] = await Promise.all(
			['a', 'b'].map(async (wire) => {
				const labels = { wire };
				const { project_id, job_id } = await admin.jobWith('#!/bin/sh\ntrue\n', { labels });
				const identity = await enrol(admin, `wire-${wire}`, { project_ids: [project_id], labels });
				const link = await WireAgent.connect(hub.url, identity);
				const run_id = await admin.run(job_id);
				return { link, run_id, at: await link.begin() };
			}),
		);
		if (!a || !b) throw new Error('two agents were made');
		const foreign = a.link.chunk(a.at, Buffer.from('not mine\n'));
		foreign.writeBigUInt64BE(BigInt(b.run_id), 0);
		a.link.ws.send(foreign);
		a.link.send({ type: 'refuse', ...b.at, reason: { code: 'start_failed', message: 'no' } });
		a.link.send({
			type: 'finish',
			...b.at,
			outcome: 'failed',
			exit_code: 1,
			reason: null,
			started_at: null,
			exited_at: new Date().toISOString(),
			last_seq: 0,
			bytes: 0,
			sha256: createHash('sha256').digest('hex'),
		});
		await a.link.next('lease', (m) => m.runs.some((r) => r.run_id === b.run_id && r.desired === 'drop'));
		b.link.ws.send(b.link.chunk(b.at, Buffer.from('mine\n')));
		b.link.finish(b.at);
		expect(await admin.ended(b.run_id)).toMatchObject({ status: 'success', log_bytes: 5 });
		expect((await admin.log(b.run_id)).toString()).toBe('mine\n');
		await Promise.all([a.link.close(), b.link.close()]);
	});
});
