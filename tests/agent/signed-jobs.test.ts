// Signed jobs from end to end: a hub, an agent that asks for signatures, and the command of the job's page as it stands.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCommand } from '#domain/job-signature.ts';
import { Api } from '#tests/support/api.ts';
import { Cli, CLI } from '#tests/support/cli.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';

const AGENT = path.resolve(import.meta.dirname, '../../dist/uhub-agent.mjs');
const run = promisify(execFile);

let hub: TestHub;
let admin: Api;
let agent: RealAgent;
let cli: Cli;
/** Where the person works who has the key. */
let dir: string;
let project_id: number;
let environment_id: number;
const inShell = (command: string) =>
	run('bash', ['-o', 'pipefail', '-c', command], {
		cwd: dir,
		env: { ...cli.env, PATH: `${dir}:${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
	});

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-signing-'));
	symlinkSync(CLI, path.join(dir, 'uhub'));
	writeFileSync(path.join(dir, 'uhub-agent'), `#!/bin/sh\nexec node '${AGENT}' "$@"\n`, { mode: 0o755 });
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	cli = new Cli();
	await cli.ok(['login', hub.url, '--username', 'admin'], hub.password);
	const key = (await inShell('uhub-agent sign --key signing.pem --new-key')).stdout.trim();
	project_id = (await admin.ok('POST', '/api/projects', { name: 'signed' })).id as number;
	const environment = { name: 'staging', type: 'staging' };
	environment_id = (await admin.ok('POST', `/api/projects/${String(project_id)}/environments`, environment))
		.id as number;
	agent = await realAgent(admin, {
		policy: `version: 1
projects: all
backends: [local]
tools: [shell]
scripts: { uploaded: true }
env: [A]
signatures: { keys: [${key}] }
`,
	});
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	cli.remove();
	rmSync(dir, { recursive: true, force: true });
});

const sign = (job_id: number) => inShell(signCommand(job_id, null));
const ran = async (job_id: number) => {
	const id = await admin.run(job_id);
	const { status, reason } = await admin.ended(id);
	return { status, code: (reason as { code: string } | null)?.code ?? null };
};
const edited = async (address: string, patch: object) => {
	const { version } = await admin.get(address);
	await admin.ok('PATCH', address, patch, { 'if-match': `"v${String(version)}"` });
};
const done = { status: 'success', code: null };

describe('39: a job that must be signed', () => {
	it('39: runs as it was signed, is refused once it was edited, and runs when it is signed again', async () => {
		const { job_id } = await admin.jobInProject(project_id, 'echo "$A"', { environment_id });
		const { script_ids } = await admin.get(`/api/jobs/${String(job_id)}`);
		const job = `/api/jobs/${String(job_id)}`;
		expect(await ran(job_id)).toEqual({ status: 'failed', code: 'unsigned' });
		const { stdout, stderr } = await sign(job_id);
		expect(stderr).toContain(`job ${String(job_id)} of project ${String(project_id)}, environment staging`);
		expect(stdout).toContain(`Job ${String(job_id)} is signed by `);
		expect(await ran(job_id)).toEqual(done);

		const refused = async () => {
			expect((await admin.get(`${job}/signatures`)).items).toMatchObject([{ environment_id, current: false }]);
			expect(await ran(job_id)).toEqual({ status: 'failed', code: 'bad_signature' });
		};
		const environment = `/api/environments/${String(environment_id)}`;
		const local = (config: object) => ({ execution_backend: 'local', execution_backend_config: config });
		for (const [at, to, back] of [
			[job, { arguments: ['x'] }, { arguments: [] }],
			[job, { timeout_s: 77 }, { timeout_s: 3600 }],
			[environment, local({ env: { A: 'b' } }), local({})],
		] as const) {
			await edited(at, to);
			await refused();
			await edited(at, back);
		}
		await edited(`/api/scripts/${String((script_ids as number[])[0])}`, { content: 'echo other' });
		await refused();
		await sign(job_id);
		expect(await ran(job_id)).toEqual(done);
	});

	it('39: does not run by a signature that was put back in the place of a newer one', async () => {
		const { job_id } = await admin.jobInProject(project_id, 'echo again');
		const job = `/api/jobs/${String(job_id)}`;
		const made = async () => {
			const command = `uhub jobs template ${String(job_id)} | uhub-agent sign --key signing.pem`;
			return JSON.parse((await inShell(command)).stdout) as object;
		};
		const older = await made();
		await admin.ok('PUT', `${job}/signature`, older);
		expect(await ran(job_id)).toEqual(done);
		await sign(job_id);
		expect(await ran(job_id)).toEqual(done);
		expect(await admin.call('PUT', `${job}/signature`, older)).toMatchObject({ status: 409 });
		await admin.ok('DELETE', `${job}/signature`);
		expect(await ran(job_id)).toEqual({ status: 'failed', code: 'unsigned' });
		await admin.ok('PUT', `${job}/signature`, older);
		expect(await ran(job_id)).toEqual({ status: 'failed', code: 'replayed' });
	});

	it('is not signed by what is no signature, or not of this job', async () => {
		const [one, other] = [await admin.jobInProject(project_id, 'a'), await admin.jobInProject(project_id, 'b')];
		const [a, b] = [String(one.job_id), String(other.job_id)];
		await expect(inShell(`echo '{}' | uhub jobs sign ${a}`)).rejects.toMatchObject({ code: 1 });
		const stray = `uhub jobs template ${a} | uhub-agent sign --key signing.pem | uhub jobs sign ${b}`;
		await expect(inShell(stray)).rejects.toMatchObject({ code: 1 });
		expect((await admin.get(`/api/jobs/${b}/signatures`)).items).toEqual([]);
	});
});
