// The command line against a real hub with a real agent.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { base32 } from '@better-auth/utils/base32';
import { createOTP } from '@better-auth/utils/otp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentDetail, IncidentView } from '#domain/incident.ts';
import { JobItem, JobView } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import { Run, RunItem } from '#domain/run.ts';
import { ApiToken, ApiTokenMade } from '#domain/token.ts';
import { User } from '#domain/user.ts';
import { Api } from '#tests/support/api.ts';
import { Cli, CLI, type Said } from '#tests/support/cli.ts';
import { CutProxy } from '#tests/support/cut-proxy.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';

let hub: TestHub;
let admin: Api;
let cli: Cli;
let gates: string;
const all: Cli[] = [];

const newCli = (env: Record<string, string> = {}): Cli => {
	const made = new Cli(env);
	all.push(made);
	return made;
};

beforeAll(async () => {
	hub = await startHub();
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	gates = mkdtempSync(path.join(os.tmpdir(), 'uhub-gates-'));
	cli = newCli();
	await cli.ok(['login', hub.url, '--username', 'admin'], hub.password);
});

afterAll(async () => {
	for (const one of all) one.remove();
	rmSync(gates, { recursive: true, force: true });
	await hub.stop();
});

let count = 0;
/** A file that a script waits for, and how it does. */
function gate() {
	const file = path.join(gates, String(count++));
	return {
		wait: `while [ ! -e ${file} ]; do sleep 0.05; done`,
		open: () => {
			writeFileSync(file, '');
		},
	};
}

/** A job that runs a script, in the demo's project App. */
async function job(script: string, title = `cli ${String(count++)}`): Promise<string> {
	const args = ['jobs', 'create', '--project', 'App', '--title', title, '--type', 'ops', '--shell', '-'];
	return String(JobView.parse(await cli.json(args, `#!/bin/sh\n${script}\n`)).id);
}

const lines = (said: Said) => said.stdout.trimEnd().split('\n');
const token = () => (JSON.parse(readFileSync(cli.config, 'utf8')) as { token: string }).token;
const sessionsOf = async (who: Api) => ((await who.get('/api/me/sessions?limit=200')).items as unknown[]).length;

describe('signing in', () => {
	it('46: makes a token, keeps it for this person alone, shows it nowhere, and leaves no session behind', async () => {
		const before = await sessionsOf(admin);
		const here = newCli();
		const done = await here.run(
			['login', hub.url, '--username', 'admin', '--name', 'laptop', '--days', '3', '--scope', 'read'],
			`${hub.password}\n`,
		);
		expect(done).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/^Signed in at \S+ as admin until/) as string,
		});
		const kept = JSON.parse(readFileSync(here.config, 'utf8')) as { token: string; token_id: number };
		expect(kept).toMatchObject({ hub: hub.url, username: 'admin', token: expect.stringMatching(/^uhub_/) as string });
		expect(statSync(here.config).mode & 0o777).toBe(0o600);
		expect(statSync(path.dirname(here.config)).mode & 0o777).toBe(0o700);
		for (const secret of [kept.token, hub.password]) expect(done.stdout + done.stderr).not.toContain(secret);
		expect(await sessionsOf(admin)).toBe(before);
		const row = await admin.get(`/api/tokens/${String(kept.token_id)}`);
		expect(row).toMatchObject({ name: 'laptop', scopes: ['read'] });
		expect(Math.round((Date.parse(String(row.expires_at)) - Date.now()) / 86_400_000)).toBe(3);

		expect(User.parse(await here.json(['whoami']))).toMatchObject({ username: 'admin' });
		expect(await here.ok(['whoami'])).toMatch(/^user +admin\n[^]*role +admin\n/);
		// The scope that is missing is named.
		const refused = await here.run(['run', await job('true')]);
		expect(refused).toMatchObject({
			code: 1,
			stderr: expect.stringMatching(/scope run.*\(request [0-9a-f-]{36}\)/) as string,
		});
		expect(await here.run(['login', hub.url])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('logout') as string,
		});

		expect(await here.ok(['logout'])).toContain('revoked');
		expect(existsSync(here.config)).toBe(false);
		expect((await admin.call('GET', `/api/tokens/${String(kept.token_id)}`)).status).toBe(404);
		expect(await here.run(['whoami'])).toMatchObject({
			code: 3,
			stderr: expect.stringContaining('uhub login') as string,
		});
	});

	it('7: asks for the code of a second factor, and takes no wrong one', async () => {
		await admin.ok('POST', '/api/users', { username: 'twice', role: 'dev', password: 'a-password-of-twice' });
		const twice = await Api.signIn(hub.url, 'twice', 'a-password-of-twice');
		const { secret } = await twice.ok('POST', '/api/me/totp', { password: 'a-password-of-twice' });
		const code = await createOTP(base32.decode(String(secret))).totp();
		const { recovery_codes } = await twice.ok('POST', '/api/me/totp/confirm', { code });
		const [recovery] = recovery_codes as string[];
		const here = newCli();
		const login = (answers: string) => here.run(['login', hub.url, '--username', 'twice'], answers);
		expect(await login('a-password-of-twice\n')).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('Code') as string,
		});
		expect(await login('a-password-of-twice\n000000\n')).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('code: ') as string,
		});
		expect((await login('not-the-password\n')).code).toBe(3);
		expect(existsSync(here.config)).toBe(false);
		expect((await login(`a-password-of-twice\n${String(recovery)}\n`)).code).toBe(0);
		expect(User.parse(await here.json(['whoami'])).username).toBe('twice');
	});

	it('46: takes a token from standard input or the environment, and from no argument', async () => {
		const here = newCli();
		const inArgument = await here.run(['login', hub.url, '--token', token()]);
		expect(inArgument).toMatchObject({ code: 2, stderr: expect.stringContaining('--token') as string });
		expect(inArgument.stderr).not.toContain(token());
		for (const [stdin, code] of [
			['', 2],
			['nonsense\n', 2],
			[`uhub_${'x'.repeat(43)}`, 3],
			['x'.repeat(100_000), 1],
		] as const)
			expect((await here.run(['login', hub.url, '--token', '-'], stdin)).code, stdin.slice(0, 20)).toBe(code);
		expect(existsSync(here.config)).toBe(false);
		await here.ok(['login', hub.url, '--token', '-'], ` ${token()}\n`);
		expect(User.parse(await here.json(['whoami'])).username).toBe('admin');
		const ci = newCli({ UHUB_URL: hub.url, UHUB_TOKEN: token() });
		expect(User.parse(await ci.json(['whoami'])).username).toBe('admin');
		expect(existsSync(ci.config)).toBe(false);
		expect((await newCli({ UHUB_TOKEN: token() }).run(['whoami'])).code).toBe(2);
	});

	it('46: says nothing to whom the hub sends it on to', async () => {
		const asked: string[] = [];
		const elsewhere = http.createServer((request, response) => {
			asked.push(`${String(request.method)} ${String(request.url)}`);
			response.writeHead(307, { location: `${url}/elsewhere` }).end();
		});
		elsewhere.listen(0, '127.0.0.1');
		await once(elsewhere, 'listening');
		const url = `http://127.0.0.1:${String((elsewhere.address() as AddressInfo).port)}`;
		const here = newCli();
		const sent = await here.run(['login', url, '--username', 'x'], 'secret');
		expect(sent).toMatchObject({ code: 1, stderr: expect.stringContaining('redirect') as string });
		expect(new Set(asked)).toEqual(new Set(['POST /api/auth/login']));
		elsewhere.close();
		await once(elsewhere, 'close');
		const away = await here.run(['login', url, '--username', 'x'], 'secret');
		expect(away).toMatchObject({ code: 1, stderr: 'uhub: The hub does not answer: ECONNREFUSED.\n' });
	});

	it('46: refuses a token that others can read', async () => {
		const here = newCli();
		await here.ok(['login', hub.url, '--token', '-'], token());
		await promisify(execFile)('chmod', ['644', here.config]);
		expect(await here.run(['whoami'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('chmod 600') as string,
		});
		writeFileSync(here.config, '{"hub":1}', { mode: 0o600 });
		await promisify(execFile)('chmod', ['600', here.config]);
		expect(await here.run(['whoami'])).toMatchObject({ code: 1, stderr: expect.stringContaining('damaged') as string });
	});

	it.skipIf(!existsSync('/usr/bin/script'))('46: shows no password that is typed at a terminal', async () => {
		const here = newCli();
		const typed = spawn(
			'script',
			['-qfec', `"${process.execPath}" "${CLI}" login ${hub.url} --username admin`, '/dev/null'],
			{
				env: here.env,
			},
		);
		let screen = '';
		typed.stdout.on('data', (part: Buffer) => {
			screen += part.toString();
			if (screen.includes('Password of admin')) typed.stdin.end(`${hub.password}\r`);
		});
		await expect.poll(() => screen).toContain('Signed in');
		expect(screen).not.toContain(hub.password);
	});
});

describe('running', () => {
	it('follows a run: its output on this output, its errors on this error, its outcome as exit code', async () => {
		const title = 'Say hello';
		await job('echo "hello $UHUB_PARAM_WHO"; echo trouble >&2; exit ${UHUB_PARAM_CODE:-0}', title);
		const good = await cli.run(['run', title, '--env', 'dev', '--param', 'WHO=wörld', '--reason', 'a test', '-f']);
		expect(good).toMatchObject({ code: 0, stdout: 'hello wörld\n' });
		expect(good.stderr).toMatch(/^Run \d+ is queued\.\n[^]*trouble\n[^]*Run \d+: success after/);
		const bad = await cli.run(['run', 'say HELLO', '--param', 'CODE=3', '--follow']);
		expect(bad).toMatchObject({ code: 10, stdout: 'hello \n' });
		expect(bad.stderr).toMatch(/Run \d+: failed after .*exit code 3/);

		const waited = await cli.run(['run', title, '--wait', '--json', '--param', 'CODE=4']);
		expect(waited.code).toBe(10);
		const run = Run.parse(JSON.parse(waited.stdout));
		expect(run).toMatchObject({ status: 'failed', exit_code: 4, parameters: { CODE: '4' } });
		const id = String(run.id);
		expect(Run.parse(await cli.json(['runs', 'show', id]))).toEqual(run);
		expect(await cli.ok(['runs', 'show', id])).toMatch(/status +failed\n/);
		const again = await cli.run(['follow', id]);
		expect(again).toMatchObject({
			code: 10,
			stdout: 'hello \n',
			stderr: expect.stringContaining('trouble\n') as string,
		});
		expect(await cli.ok(['runs', 'log', id, '--stream', 'stderr'])).toBe('trouble\n');
		const runs = pageOf(RunItem).parse(await cli.json(['runs', 'list', '--job', title, '--status', 'failed']));
		expect(runs.items.map(({ exit_code }) => exit_code)).toEqual([4, 3]);
	});

	it('tells programs of each part of a log and each change of the run, a line of JSON each', async () => {
		const id = await job('echo one; echo two >&2');
		const done = await cli.run(['run', id, '--follow', '--json']);
		expect(done.code).toBe(0);
		const events = lines(done).map(
			(line) => JSON.parse(line) as { type: string; stream?: string; text?: string; run?: unknown },
		);
		const textOf = (stream: string) => events.flatMap((e) => (e.stream === stream ? e.text : [])).join('');
		expect([textOf('stdout'), textOf('stderr')]).toEqual(['one\n', 'two\n']);
		expect(Run.parse(events.at(-1)?.run)).toMatchObject({ status: 'success' });
	});

	it('goes on where it was after a cut: no line twice, none missing', async () => {
		const [second, third] = [gate(), gate()];
		const id = await job(`echo first; ${second.wait}; seq 1 2000; ${third.wait}; echo last`);
		const proxy = await CutProxy.start(hub.url);
		try {
			const through = newCli({ UHUB_URL: proxy.url, UHUB_TOKEN: token() });
			const following = through.start(['run', id, '--follow']);
			await following.says('first');
			const [, run] = /^Run (\d+) is queued/.exec(following.stderr) ?? [];
			proxy.cut();
			second.open();
			await expect
				.poll(async () => (await admin.get(`/api/runs/${String(run)}/log/lines?from=1&count=1`)).total_lines)
				.toBe(2001);
			await following.says('trying again', 'stderr');
			expect(following.stdout).toBe('first\n');
			proxy.heal();
			await following.says(/^2000$/m);
			proxy.cut();
			third.open();
			proxy.heal();
			const done = await following.ended();
			expect(done.code).toBe(0);
			expect(lines(done)).toEqual(['first', ...Array.from({ length: 2000 }, (_, n) => String(n + 1)), 'last']);
		} finally {
			await proxy.close();
		}
	});

	it('Ctrl-C leaves the run running and says so; with --cancel-on-interrupt it cancels it', async () => {
		const on = gate();
		const id = await job(`echo begun; ${on.wait}; echo done`);
		const left = cli.start(['run', id, '--follow']);
		await left.says('begun');
		left.child.kill('SIGINT');
		const done = await left.ended();
		expect(done.code).toBe(130);
		const [, run = ''] = /Run (\d+) goes on\. Follow it again: uhub follow \1\./.exec(done.stderr) ?? [];
		const waiting = cli.start(['follow', run]);
		await waiting.says('begun');
		on.open();
		expect(await waiting.ended()).toMatchObject({ code: 0, stdout: 'begun\ndone\n' });

		const never = gate();
		const canceled = cli.start(['run', await job(`echo begun; ${never.wait}`), '--follow', '--cancel-on-interrupt']);
		await canceled.says('begun');
		canceled.child.kill('SIGINT');
		expect(await canceled.ended()).toMatchObject({
			code: 11,
			stderr: expect.stringContaining('Canceling run') as string,
		});
	});

	it('cancels a run, and says so to who waits for it', async () => {
		const never = gate();
		const waiting = cli.start(['run', await job(`echo begun; ${never.wait}`), '--wait']);
		await waiting.says(/Run \d+ is queued/, 'stderr');
		const [, run = ''] = /^Run (\d+)/.exec(waiting.stderr) ?? [];
		await expect.poll(async () => (await admin.get(`/api/runs/${run}`)).status).toBe('running');
		expect(Run.parse(await cli.json(['runs', 'cancel', run])).cancel_requested_at).not.toBeNull();
		expect((await waiting.ended()).code).toBe(11);
	});

	it('14: of what a log holds only colours act here, however it is written and cut', async () => {
		const hostile = String.raw`printf '\033]0;owned\007\033]52;c;eA==\007\033[2J\033[31mred\033[0m\033[?1049h\033P+q\033\\\302\233 31m\n'; printf '\033'; sleep 0.2; printf ']8;;http://x\007link\n\377\010\n'`;
		const id = await job(hostile);
		const done = await cli.run(['run', id, '--follow']);
		expect(done.stdout).toBe('\u001b[31mred\u001b[0m\u2039U+009B\u203a 31m\nlink\n\ufffd\u2408\n');
		const [, run = ''] = /^Run (\d+)/.exec(done.stderr) ?? [];
		expect(await cli.ok(['runs', 'log', run])).toBe(done.stdout);
		expect((await newCli({ ...cli.env, NO_COLOR: '1' }).run(['runs', 'log', run])).stdout).not.toContain('\u001b');
		// A file may have it all.
		const raw = await promisify(execFile)(process.execPath, [CLI, 'runs', 'log', run, '--raw'], {
			env: cli.env,
			encoding: 'buffer',
		});
		expect(raw.stdout.equals(await admin.log(Number(run)))).toBe(true);
	});

	it('ends quietly when nobody reads on', async () => {
		const id = await job('seq 1 200000');
		const { stderr } = await cli.run(['run', id, '--wait']);
		const [, run = ''] = /^Run (\d+)/.exec(stderr) ?? [];
		const pipe = `"${process.execPath}" "${CLI}" runs log ${run} | head -n 2; echo "\${PIPESTATUS[0]}"`;
		const piped = await promisify(execFile)('bash', ['-c', pipe], { env: cli.env });
		expect(piped).toMatchObject({ stdout: '1\n2\n141\n', stderr: '' });
	});
});

describe('what there is', () => {
	it('is listed by pages, as tables or as the API has it', async () => {
		const everything = pageOf(JobItem).parse(await cli.json(['jobs', 'list', '--all']));
		expect(everything.next_cursor).toBeNull();
		const first = pageOf(JobItem).parse(await cli.json(['jobs', '--limit', '3']));
		expect(first.items).toEqual(everything.items.slice(0, 3));
		const rest = pageOf(JobItem).parse(
			await cli.json(['jobs', 'list', '--all', '--cursor', String(first.next_cursor)]),
		);
		expect(rest.items).toEqual(everything.items.slice(3));
		const short = await cli.run(['jobs', 'list', '--limit', '2']);
		expect(lines(short)).toHaveLength(3);
		expect(short.stdout).toMatch(/^ *ID +TITLE +TYPE/);
		expect(short.stdout).not.toContain('\u001b');
		expect(short.stderr).toContain('--all');

		const projects = pageOf(ProjectView).parse(await cli.json(['projects']));
		expect(projects.items.map(({ name }) => name)).toEqual(['App', 'Infra', 'Monitoring', 'Registry']);
		expect(ProjectView.parse(await cli.json(['projects', 'show', 'app'])).name).toBe('App');
		expect(await cli.ok(['projects', 'show', 'App'])).toMatch(/environments +dev \(dev\)\n/);
		const agents = pageOf(Agent).parse(await cli.json(['agents', 'list', '--status', 'online']));
		expect(agents.items.map(({ name }) => name)).toEqual(['local']);
		expect(await cli.ok(['agents', 'list', '--status', 'revoked'])).toBe('None.\n');
	});

	it('names projects, whether one has many of them or one row only', async () => {
		const all = await cli.ok(['jobs', 'list', '--all']);
		expect(all.split('\n')[0]).toMatch(/PROJECT$/);
		expect(all).toMatch(/ Infra\n/);
		expect(await cli.ok(['jobs', '--project', 'Registry'])).toMatch(/ Registry\n/);
		expect(await cli.ok(['incidents', '--limit', '1'])).toMatch(/ (App|Infra|Registry|Monitoring)\n/);
	});

	it('comes again by a rule, which is set, seen, changed in part and taken away', async () => {
		const planned = ['--start', '2031-03-03T08:00:00Z', '--end', '2031-03-03T08:30:00Z', '--time-zone', 'Europe/Paris'];
		const rule = ['--recurrence', 'freq=weekly;byday=mo', '--auto-start', 'yes', ...planned];
		const made = await cli.json(['jobs', 'create', '--project', 'App', '--title', 'again', '--type', 'ops', ...rule]);
		const { id, recurrence, auto_start } = JobView.parse(made);
		expect({ recurrence, auto_start }).toEqual({
			recurrence: { rrule: 'FREQ=WEEKLY;BYDAY=MO', time_zone: 'Europe/Paris', exdates: [] },
			auto_start: true,
		});
		const edit = ['jobs', 'edit', String(id)];
		await cli.ok([...edit, '--except', '2031-03-10', '--priority', 'high']);
		const shown = await cli.ok(['jobs', 'show', String(id)]);
		expect(shown).toMatch(/comes again +FREQ=WEEKLY;BYDAY=MO \(Europe\/Paris\)\n +but not on 2031-03-10\n/);
		expect(shown).toMatch(/starts +by itself\n/);
		expect(shown).toMatch(/priority +high\n/);
		expect(await cli.run([...edit, '--recurrence', 'FREQ=WEEKLY;BYDAY=TU'])).toMatchObject({
			code: 1,
			stderr: expect.stringMatching(/recurrence\.rrule: does not come at the start/) as string,
		});
		expect(JobView.parse(await cli.json([...edit, '--once'])).recurrence).toBeNull();
		expect((await cli.run([...edit, '--time-zone', 'UTC'])).stderr).toContain('--recurrence');
		expect((await cli.run(edit)).stderr).toContain('nothing to change');
	});

	it('is found by its name where that is enough', async () => {
		const title = 'Twice the same';
		const here = await job('true', title);
		const there = JobView.parse(
			await cli.json([
				'jobs',
				'create',
				'--project',
				'Infra',
				'--title',
				title,
				'--type',
				'dev',
				'--tag',
				'x',
				'--label',
				'a=b',
			]),
		);
		expect(there).toMatchObject({ tags: ['x'], labels: { a: 'b' }, script_ids: [] });
		const both = await cli.run(['jobs', 'show', title]);
		expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining(String(there.id)) as string });
		expect(both.stderr).toContain(here);
		expect(JobView.parse(await cli.json(['jobs', 'show', title, '--project', 'Infra'])).id).toBe(there.id);
		expect((await cli.run(['jobs', 'show', 'nothing like it'])).code).toBe(1);
		expect((await cli.run(['jobs', 'show', '999999'])).stderr).toMatch(/no such job.*\(request /);
	});
});

describe('incidents', () => {
	it('are opened, worked on and closed', async () => {
		const opened = IncidentView.parse(
			await cli.json(['incidents', 'open', 'Shop is slow', '--project', 'App', '--severity', 'high', '--env', 'prod']),
		);
		const id = String(opened.id);
		expect(opened).toMatchObject({ severity: 'high', status: 'open', acknowledged_at: null });
		const listed = pageOf(IncidentView).parse(await cli.json(['incidents', 'list', '--active', '--project', 'App']));
		expect(listed.items.map((one) => one.id)).toContain(opened.id);
		await cli.ok(['incidents', 'acknowledge', id]);
		const note = IncidentEntry.parse(await cli.json(['incidents', 'note', id, '-', '--pin'], 'seen at the edge\n'));
		expect(note).toMatchObject({ kind: 'note', body: 'seen at the edge\n', pinned: true });
		expect(await cli.ok(['incidents', 'mitigate', id, '--note', 'more workers'])).toMatch(/status +mitigated\n/);
		await cli.ok(['incidents', 'resolve', id]);
		await cli.ok(['incidents', 'reopen', id, '--reason', 'slow again']);
		await cli.ok(['incidents', 'resolve', id]);
		await cli.ok(['incidents', 'close', id]);
		expect(IncidentDetail.parse(await cli.json(['incidents', 'show', id])).status).toBe('closed');
		const late = await cli.run(['incidents', 'mitigate', id]);
		expect(late).toMatchObject({ code: 1, stderr: expect.stringMatching(/^uhub: .*\(request /) as string });
	});
});

describe('tokens', () => {
	it('46: are made by their person alone, shown once and on standard output alone, and revoked', async () => {
		const made = await cli.run(
			['tokens', 'create', '--name', 'nightly', '--scope', 'read', '--days', '1'],
			hub.password,
		);
		expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^uhub_[\w-]{43}\n$/) as string });
		const secret = made.stdout.trim();
		expect(made.stderr).toContain('not shown again');
		expect(made.stderr).not.toContain(secret);
		const list = pageOf(ApiToken).parse(await cli.json(['tokens', 'list', '--search', 'nightly'], hub.password));
		expect(list.items).toMatchObject([{ name: 'nightly', scopes: ['read'] }]);
		const table = await cli.run(['tokens', 'list'], hub.password);
		expect(table.stdout).toMatch(/nightly +read/);
		expect(table.stdout).not.toContain('uhub_');
		const nightly = newCli({ UHUB_URL: hub.url, UHUB_TOKEN: secret });
		expect((await nightly.run(['whoami'])).code).toBe(0);
		expect((await cli.run(['tokens', 'revoke', 'nightly'], 'not-the-password')).code).toBe(3);
		expect(ApiToken.parse(await cli.json(['tokens', 'revoke', 'nightly'], hub.password)).name).toBe('nightly');
		expect((await nightly.run(['whoami'])).code).toBe(3);
		const json = await cli.json(['tokens', 'create', '--name', 'x', '--scope', 'run'], hub.password);
		await cli.ok(['tokens', 'revoke', String(ApiTokenMade.parse(json).id)], hub.password);
	});
});

describe('bad input', () => {
	it.each([
		[['runs', 'list', '--cursor', 'odd'], /cursor: .*\(request /],
		[['runs', 'show', '999999999'], /no such run.*\(request /],
		[['follow', '999999999'], /no such run.*\(request /],
		[['run', 'nothing like it'], /no job "nothing like it"/],
		[['jobs', 'create', '--project', 'App', '--title', 'a\u202eb', '--type', 'ops'], /title: .*\(request /],
		[['jobs', 'create', '--project', 'App', '--title', 'x', '--type', 'ops', '--shell', '/none'], /--shell: ENOENT/],
	] as [string[], RegExp][])('uhub %j: one sentence, and exit code 1', async (args, words) => {
		const done = await cli.run(args);
		expect(done).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(words) as string });
		expect(lines({ ...done, stdout: done.stderr })).toHaveLength(1);
	});
});

describe('the program', () => {
	it('20, 21: is handed out by the hub as a file of its type, as is the agent', async () => {
		for (const name of ['uhub.mjs', 'uhub-agent.mjs']) {
			const answer = await fetch(`${hub.url}/downloads/${name}`);
			expect(answer.status).toBe(200);
			expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
			expect(answer.headers.get('content-disposition')).toContain(`attachment; filename="${name}"`);
			expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
			const file = readFileSync(path.join(path.dirname(CLI), name));
			expect(Buffer.from(await answer.arrayBuffer()).equals(file)).toBe(true);
			const head = await fetch(`${hub.url}/downloads/${name}`, { method: 'HEAD' });
			expect([head.status, await head.text()]).toEqual([200, '']);
		}
	});

	it('completes its commands in a shell', async () => {
		const here = newCli();
		writeFileSync(path.join(here.home, 'uhub'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, {
			mode: 0o755,
		});
		const ask = (words: string[]) =>
			`COMP_WORDS=(${['uhub', ...words].map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${String(words.length)}; _uhub; echo "\${COMPREPLY[*]}"`;
		const asked = [
			['ru'],
			['runs', ''],
			['runs', 'list', '--st'],
			['runs', 'list', '--status', 'l'],
			['nothing', ''],
		].map(ask);
		const script = `source <(uhub completion bash)\n${asked.join('\n')}`;
		const { stdout } = await promisify(execFile)('bash', ['-c', script], {
			env: { ...here.env, PATH: `${here.home}:${here.env.PATH ?? ''}` },
		});
		expect(stdout.split('\n')).toEqual(['run runs', 'cancel list log show', '--status', 'lost', '', '']);
	});
});
