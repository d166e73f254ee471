import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { archiveRows } from '#domain/archive-rows.ts';
import { archiveLine, LINE_MAX, PART_MAX } from '#domain/archive.ts';
import { encodeFrame, Kind, Stream } from '#protocol/run-frames.ts';
import { systemCtx } from '#worker/http/context.ts';
import { seedDemo } from '#worker/seed/index.ts';
import { KINDS } from '#worker/services/archive/kinds.ts';
import { sealAudit } from '#worker/services/audit/seal.ts';
import { enrolRequest } from './api-enrol.ts';
import { type Answer, type Call, caller, insert, nobody } from './api-world.ts';
import { emptyHub } from './empty-hub.ts';

const PASSWORD = 'a password of this demo';
const OWNER = { username: 'admin', password: 'another password, of this hub', locale: 'en' };

interface Line {
	kind: string;
	row: Record<string, unknown>;
}

const ctx = () => systemCtx(env, { waitUntil: () => undefined });
const cookieOf = ({ headers }: Answer) => headers.get('set-cookie')?.split(';')[0] ?? '';
const read = (text: string) =>
	text
		.slice(0, -1)
		.split('\n')
		.map((line) => JSON.parse(line) as Line);

async function exported(call: Call): Promise<string> {
	const { status, body } = await call('GET', '/api/export?logs=true&documents=true');
	expect(status).toBe(200);
	return String(body.text);
}

const begin = async () => String((await nobody('POST', '/api/imports', { body: {} })).body.id);
const send = (id: string, from: number, raw: BodyInit) =>
	nobody('POST', `/api/imports/${id}/lines?from=${String(from)}`, { raw });
const finish = (id: string, admin: object = OWNER) => nobody('POST', `/api/imports/${id}/finish`, { body: admin });

/** Sends the lines as often as it takes. */
async function sendAll(id: string, text: string): Promise<Answer> {
	const lines = text.split(/(?<=\n)/);
	for (let next = 1; ;) {
		const answer = await send(id, next, lines.slice(next - 1).join(''));
		const { next_line, complete } = answer.body;
		if (answer.status !== 200 || complete === true || next_line === next) return answer;
		next = Number(next_line);
	}
}

const count = (table: string) => env.DB.prepare(`select count(*) as n from ${table}`).first<number>('n');
async function expectEmpty() {
	for (const { table } of KINDS) expect(await env.DB.prepare(`select 1 from ${nameOf(table)}`).first()).toBeNull();
	expect((await nobody('GET', '/api/setup')).body).toEqual({ needed: true });
}
const nameOf = (table: object) => String((table as Record<symbol, unknown>)[Symbol.for('drizzle:Name')]);

let text: string;
let lines: Line[];
let logRun: number;
let alertPath: string;
const SCRIPT = `#!/bin/sh\n# ${'é'.repeat(600_000)}\n`;

/** The demo, and beside it what the demo has none of. */
beforeAll(async () => {
	// What its numbers go on from is asked for here: they begin with one.
	await emptyHub();
	await seedDemo(env, { password: PASSWORD });
	const admin = caller(
		cookieOf(await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: PASSWORD } })),
	);
	const ok = async (method: string, path: string, options: Parameters<Call>[2]) => {
		const answer = await admin(method, path, options);
		expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
		return answer;
	};
	const agent = await insert('agents', {
		name: 'build-1',
		public_key: 'k'.repeat(43),
		fingerprint: 'f'.repeat(64),
		status: 'online',
		labels: '{"arch":"arm64"}',
	});
	await env.DB.prepare(
		'insert into server_statuses (agent_id, snapshot_time, cpu_cores, cpu_load_1m, cpu_load_5m, cpu_load_15m, ram_total_gib, ram_used_gib, disk_path, disk_total_gib, disk_used_gib, disk_free_gib) values (?, ?, 4, 0.5, 1, 2.25, 16, 3.125, ?, 100, 40.5, 59.5)',
	)
		.bind(agent, Date.now(), '/')
		.run();
	const group = await ok('POST', '/api/groups', { body: { name: 'On call' } });
	await ok('PUT', `/api/groups/${String(group.body.id)}/members/2`, { body: { role_in_group: 'lead' } });
	await ok('PUT', `/api/projects/1/groups/${String(group.body.id)}`, { body: { access: 'operate' } });
	await ok('POST', '/api/freezes', {
		body: {
			project_id: null,
			title: 'Night',
			start: '2027-01-01T00:00:00Z',
			end: '2027-01-02T00:00:00Z',
			reason: 'Rest',
		},
	});
	await ok('POST', '/api/webhooks', {
		body: { project_id: 1, name: 'Chat', url: 'https://hooks.example.com/x', events: ['run.ended'] },
	});
	await ok('POST', '/api/me/webhook', { body: { url: 'https://hooks.example.com/mine' } });
	await ok('PUT', '/api/me/notification-preferences', {
		body: { channels: { 'run.failed': ['page'] }, projects: [1], severity: 'high' },
	});
	const source = await ok('POST', '/api/projects/1/alert-sources', { body: { name: 'Prometheus', kind: 'generic' } });
	alertPath = String(source.body.path);
	await insert('identities', { user_id: 2, provider: 'oidc:https://id.example.com', subject: 'omar-7' });
	const script = await ok('POST', '/api/projects/1/scripts', {
		body: { name: 'large.sh', tool: 'shell', location_type: 'uploaded', content: '#!/bin/sh\n' },
	});
	await ok('PUT', `/api/scripts/${String(script.body.id)}/content`, { raw: SCRIPT });
	// One that is gone: its number is not given again.
	const gone = await ok('POST', '/api/projects', { body: { name: 'Gone' } });
	await ok('DELETE', `/api/projects/${String(gone.body.id)}`, { headers: { 'if-match': '"v1"' } });

	const utf8 = new TextEncoder();
	const parts: [Stream, Uint8Array][] = [
		[Stream.stdout, utf8.encode('one line\nand the next, \u001b[31mred')],
		[Stream.stderr, Uint8Array.of(0xff, 0xfe, 0, 10)],
		[Stream.none, utf8.encode('{"dropped":7,"reason":"spool_full"}')],
		[Stream.stdout, utf8.encode('\ufeffé\u2028\n'.repeat(20_000))],
	];
	let offset = 0;
	const frames = parts.map(([stream, payload], n) => {
		const frame = encodeFrame({
			kind: stream === Stream.none ? Kind.gap : Kind.log,
			stream,
			offset,
			t_ms: 1_700_000_000_000 + n,
			payload,
		});
		if (stream !== Stream.none) offset += payload.length;
		return frame;
	});
	const job = await env.DB.prepare('select id, project_id from jobs').first<{ id: number; project_id: number }>();
	const run = (fields: object) =>
		insert('runs', {
			job_id: job?.id,
			project_id: job?.project_id,
			triggered_by_id: 1,
			backend: 'local',
			requested_at: Date.now(),
			...fields,
		});
	logRun = await run({
		status: 'failed',
		phase: 'done',
		started_at: Date.now(),
		finished_at: Date.now(),
		log_bytes: offset,
		agent_id: agent,
	});
	await env.DB.prepare('update runs set log_path = ? where id = ?')
		.bind(`runs/${String(logRun)}`, logRun)
		.run();
	await env.RUN_STREAM.getByName(String(logRun)).importFinished(frames);

	while ((await sealAudit(ctx())) > 0);
	text = await exported(admin);
	lines = read(text);
}, 60_000);

describe('an archive brought into an empty hub', () => {
	const comparable = (all: Line[], last: number) =>
		all
			.slice(1)
			.filter(
				({ kind, row }) =>
					kind !== 'End' &&
					!(kind === 'AuditLog' && Number(row.id) > last) &&
					!(kind === 'AuditSeal' && Number(row.audit_id) > last),
			);

	it('is that hub again: rows, documents, logs with streams and times', async () => {
		await emptyHub();
		const id = await begin();
		expect((await sendAll(id, text)).body).toEqual({ id, next_line: lines.length + 1, complete: true });
		// Nothing is here before all of it is.
		await expectEmpty();
		const made = await finish(id);
		expect(made.status, JSON.stringify(made.body)).toBe(201);
		expect(made.body).toMatchObject({ id: 1, username: 'admin', role: 'admin' });
		const admin = caller(cookieOf(made));

		const last = Math.max(...lines.filter(({ kind }) => kind === 'AuditLog').map(({ row }) => Number(row.id)));
		const again = read(await exported(admin));
		expect(comparable(again, last)).toEqual(comparable(lines, last));
		expect(again[0]).toMatchObject({
			last_ids: { Project: (lines[0] as unknown as { last_ids: { Project: number } }).last_ids.Project },
		});

		// Read back as it was, by every way it is read.
		const log = await admin('GET', `/api/runs/${String(logRun)}/log/lines?from=1&count=5`);
		expect(log.body).toMatchObject({
			total_lines: 20_004,
			items: [
				{ line: 1, stream: 'stdout', t_ms: 1_700_000_000_000, text: 'one line' },
				{ line: 2, stream: 'stdout' },
				{ line: 3, stream: 'stderr', t_ms: 1_700_000_000_001 },
				{ line: 4, stream: 'none', gap: { dropped: 7, reason: 'spool_full' } },
				{ line: 5, stream: 'stdout', t_ms: 1_700_000_000_003 },
			],
		} as object);
		const scripts = await admin('GET', '/api/projects/1/scripts?q=large');
		const [large] = scripts.body.items as { id: number }[];
		expect((await admin('GET', `/api/scripts/${String(large?.id)}/content`)).body.text).toBe(SCRIPT);

		// What calls or is called elsewhere is there, and dead until somebody gives it a secret again.
		const hooks = (await admin('GET', '/api/webhooks')).body.items as { id: number; version: number }[];
		expect(hooks).toMatchObject([{ name: 'Chat', status: 'disabled', disabled_reason: 'archived', user_id: null }]);
		expect(await env.DB.prepare('select secret from webhooks').first('secret')).toBeNull();
		const [hook] = hooks;
		const rotated = await admin('POST', `/api/webhooks/${String(hook?.id)}/secret`, { body: {} });
		expect(String(rotated.body.secret)).toMatch(/^whsec_/);
		const version = { 'if-match': `"v${String(rotated.body.version)}"` };
		const on = await admin('PATCH', `/api/webhooks/${String(hook?.id)}`, {
			body: { status: 'active' },
			headers: version,
		});
		expect(on.body).toMatchObject({ status: 'active', disabled_reason: null });
		const alert = { body: { title: 'Down', status: 'firing', key: 'k' } };
		expect((await nobody('POST', alertPath, alert)).status).toBe(404);
		const [source] = (await admin('GET', '/api/projects/1/alert-sources')).body.items as { id: number }[];
		const renewed = await admin('POST', `/api/alert-sources/${String(source?.id)}/rotate`, { body: {} });
		expect((await nobody('POST', String(renewed.body.path), alert)).body).toMatchObject({ opened: 1 });
		expect((await admin('GET', '/api/me/notification-preferences')).body).toMatchObject({
			projects: [1],
			severity: 'high',
		});
		expect(
			await env.DB.prepare(`select user_id from identities where provider = 'oidc:https://id.example.com'`).first(),
		).toEqual({ user_id: 2 });

		// No secret came: the others get a password from the admin, agents enrol anew.
		expect((await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: PASSWORD } })).status).toBe(
			401,
		);
		expect(
			(await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: OWNER.password } })).status,
		).toBe(200);
		expect((await nobody('POST', '/api/auth/login', { body: { username: 'dev', password: PASSWORD } })).status).toBe(
			401,
		);
		const reset = await admin('POST', '/api/users/3/password', { body: {} });
		const users = await admin('GET', '/api/users?limit=200');
		const dev = (users.body.items as { id: number; username: string }[]).find((it) => it.id === 3);
		const password = reset.body.generated_password;
		expect((await nobody('POST', '/api/auth/login', { body: { username: dev?.username, password } })).status).toBe(200);
		const agents = await admin('GET', '/api/agents');
		const build = (agents.body.items as { id: number; name: string; fingerprint: string }[]).find(
			({ name }) => name === 'build-1',
		);
		expect(build).toMatchObject({ status: 'offline', fingerprint: '', labels: { arch: 'arm64' } });
		const enrolment = await admin('POST', '/api/agents/enrolments', { body: {} });
		const join = await enrolRequest(String(enrolment.body.token), { name: 'build-1' });
		const joined = await nobody('POST', '/api/agents/enrol', { body: join });
		expect(joined).toMatchObject({ status: 201, body: { agent_id: build?.id, status: 'pending' } });
		const second = await admin('POST', '/api/agents/enrolments', { body: {} });
		const other = await enrolRequest(String(second.body.token), { name: 'build-1' });
		expect((await nobody('POST', '/api/agents/enrol', { body: other })).status).toBe(409);

		// History is whole, and goes on from where it was.
		while ((await sealAudit(ctx())) > 0);
		expect((await admin('GET', '/api/audit/verify')).body).toMatchObject({ faults: [], tail: 0 });
		const brought = await admin('GET', '/api/audit?action=hub.import');
		expect(brought.body.items).toMatchObject([
			{
				id: last + 1,
				actor_kind: 'system',
				metadata: { audit_through: last, admin: 'of the archive', lines: lines.length },
			},
		]);
		const seal = lines.findLast(({ kind }) => kind === 'AuditSeal')?.row;
		expect(brought.body.items).toMatchObject([{ prev_hash: seal?.hash, metadata: { audit_head: seal?.hash } }]);
		// A number that was given once is not given again.
		const project = await admin('POST', '/api/projects', { body: { name: 'Next' } });
		const most = Math.max(...lines.filter(({ kind }) => kind === 'Project').map(({ row }) => Number(row.id)));
		expect(project.body.id).toBe(most + 2);

		// It is nobody's empty hub any more.
		for (const answer of [
			await nobody('POST', '/api/imports', { body: {} }),
			await send(id, lines.length + 1, ''),
			await finish(id),
		])
			expect(answer.status).toBe(409);
	});

	it('is taken in parts, of which one may be cut off or sent twice', async () => {
		await emptyHub();
		const id = await begin();
		const all = text.split(/(?<=\n)/);
		const some = (from: number, to: number) => all.slice(from - 1, to - 1).join('');
		expect((await send(id, 1, some(1, 40) + some(40, 41).slice(0, -9))).body).toMatchObject({ next_line: 40 });
		expect(await send(id, 1, some(1, 40))).toMatchObject({ status: 409, body: { current: { next_line: 40 } } });
		expect(await send(id, 41, some(41, 50))).toMatchObject({ status: 409 });
		expect((await finish(id)).body.detail).toContain('line 40');
		const bad = `${some(40, 60)}nonsense\n`;
		expect(await send(id, 40, bad)).toMatchObject({ status: 400, body: { errors: [{ path: 'lines.60' }] } });
		expect((await nobody('GET', `/api/imports/${id}`)).body).toEqual({ id, next_line: 40, complete: false });
		for (let next = 40; next <= all.length;)
			next = Number((await send(id, next, some(next, next + 300))).body.next_line);
		expect((await finish(id, { ...OWNER, username: 'newcomer' })).body).toMatchObject({
			role: 'admin',
			username: 'newcomer',
		});
		expect(await count('users')).toBe(lines.filter(({ kind }) => kind === 'User').length + 1);
	});

	it('does not let a stranger be somebody else, or an account that is no admin', async () => {
		await emptyHub();
		const id = await begin();
		await sendAll(id, text);
		expect(await finish(id, { ...OWNER, username: 'dev' })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'username' }] },
		});
		expect(await finish(id, { ...OWNER, password: 'short' })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'password' }] },
		});
		expect((await finish('A'.repeat(22))).status).toBe(404);
		await expectEmpty();
		const made = await Promise.all([
			finish(id),
			finish(id),
			nobody('POST', '/api/auth/setup', { body: { ...OWNER, username: 'quick' } }),
		]);
		expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
		expect(made.filter(({ status }) => status === 409)).toHaveLength(2);
	});

	it('ends what had not ended: nothing starts here a second time', async () => {
		await emptyHub();
		const id = await begin();
		const run = lines.findLast(({ kind }) => kind === 'Run');
		const open = lines.map((line) => {
			if (line === run)
				return {
					kind: 'Run',
					row: { ...line.row, status: 'queued', phase: 'queued', started_at: null, finished_at: null },
				};
			if (line.kind === 'Job' && line.row.id === run?.row.job_id)
				return { ...line, row: { ...line.row, status: 'running' } };
			return line;
		});
		const kept = open.filter(({ kind, row }) => !(kind === 'RunLog' && row.run_id === run?.row.id));
		await sendAll(id, rewritten(kept));
		const admin = caller(cookieOf(await finish(id)));
		expect((await admin('GET', `/api/runs/${String(run?.row.id)}`)).body).toMatchObject({
			status: 'lost',
			phase: 'done',
			reason: { code: 'archived' },
			finished_at: (lines[0] as unknown as { exported_at: string }).exported_at,
		});
		expect((await admin('GET', `/api/jobs/${String(run?.row.job_id)}`)).body).toMatchObject({ status: 'failed' });
	});

	it('leaves nothing behind when it is not finished: not even a log', async () => {
		await emptyHub();
		await sendAll(await begin(), text);
		// Another archive takes its place, and is dropped for a new hub.
		const second = await begin();
		await sendAll(second, text);
		expect(await count('imports')).toBe(1);
		const setup = await nobody('POST', '/api/auth/setup', { body: OWNER });
		expect(setup.status).toBe(201);
		expect((await finish(second)).status).toBe(409);
		const admin = caller(cookieOf(setup));
		const project = await admin('POST', '/api/projects', { body: { name: 'New' } });
		const job = await admin('POST', `/api/projects/${String(project.body.id)}/jobs`, {
			body: { title: 'New', job_type: 'ops' },
		});
		const now = Date.now();
		const row = {
			id: logRun,
			job_id: job.body.id,
			project_id: project.body.id,
			triggered_by_id: 1,
			backend: 'local',
			requested_at: now,
		};
		await insert('runs', { ...row, status: 'success', phase: 'done' });
		expect((await admin('GET', `/api/runs/${String(logRun)}/log`)).body.text).toBe('');
	});
});

const rewritten = (all: Line[]) =>
	[...all.slice(0, -1), { kind: 'End', row: { lines: all.length - 2 } }].map((line) => archiveLine(line)).join('');

describe('25: what is no archive', () => {
	let small: Line[];
	const first = (kind: string) => small.findIndex((line) => line.kind === kind);
	const changed = (kind: string, row: object, n = 0) =>
		small.map((line, i) => (i === first(kind) + n ? { kind, row: { ...line.row, ...row } } : line));
	/** Sends it, and asks to finish where it was taken. */
	async function offered(body: BodyInit): Promise<Answer> {
		await forget();
		const id = await begin();
		const sent = await send(id, 1, body);
		return sent.status === 200 ? finish(id) : sent;
	}

	/** As a fresh address: attempts are limited. */
	const forget = () => env.DB.prepare('delete from login_attempts').run();

	beforeAll(async () => {
		await emptyHub();
		// Without the long log and document, so that a hundred are sent quickly.
		small = lines.filter(({ kind }) => !['AuditLog', 'AuditSeal', 'RunLog', 'Document'].includes(kind));
	});

	it('has a schema for each column of each table, and no other', () => {
		for (const { kind, columns } of KINDS)
			expect(Object.keys(archiveRows[kind].shape).sort(), kind).toEqual(Object.keys(columns).sort());
	});

	it.each<[string, () => BodyInit, string]>([
		['nothing', () => '', 'line 1 is missing'],
		['half a line', () => '{"format":', 'line 1 is missing'],
		['a gzip file', () => Uint8Array.of(0x1f, 0x8b, 8, 0, 10, 10), 'gzip'],
		['a zip file', () => 'PK\u0003\u0004\n', 'zip'],
		['bytes', () => Uint8Array.of(0xc3, 0x28, 10), 'UTF-8'],
		['text', () => 'hello\n', 'Line 1: is not JSON'],
		['other JSON', () => '[]\n', 'header'],
		['a header of another format', () => '{"format":"other"}\n', 'header'],
		[
			'a newer archive',
			() => archiveLine({ ...small[0], format_version: 2 } as never),
			'format_version 2 cannot be read here',
		],
		['a cut archive', () => rewritten(small).slice(0, -20), 'was cut off'],
		[
			'one with a line missing in the middle',
			() =>
				small
					.filter((_, i) => i !== small.length - 2)
					.map((line) => archiveLine(line))
					.join(''),
			'lines says',
		],
		['more behind its end', () => `${rewritten(small)}${archiveLine(small[1] as Line)}`, 'behind the end'],
		[
			'a line that goes on for ever',
			() => `${archiveLine(small[0] as Line)}{"kind":"${'x'.repeat(LINE_MAX)}`,
			`Line 2: is longer than`,
		],
		['nested without an end', () => `${'['.repeat(100_000)}\n`, 'nested'],
		[
			'an unknown kind',
			() => rewritten([...small.slice(0, -1), { kind: 'Session', row: {} }, { kind: 'End', row: {} }]),
			'of no kind',
		],
		[
			'the wrong order',
			() => rewritten([small[0] as Line, small[small.length - 2] as Line, ...small.slice(1, -2), small.at(-1) as Line]),
			'stands behind',
		],
		[
			'a number twice',
			() => rewritten(small.flatMap((line) => (line.kind === 'Job' ? [line, line] : [line]))),
			'must be greater than',
		],
		['an unknown column', () => rewritten(changed('User', { password_hash: 'x' })), 'Line 2 (User)'],
		['a secret of an agent', () => rewritten(changed('Agent', { public_key: 'x' })), '(Agent)'],
		['a name that poses as another', () => rewritten(changed('Project', { name: 'App\u202e' })), 'bidirectional'],
		['a time that is none', () => rewritten(changed('Job', { planned_start: 'soon' })), 'planned_start'],
		[
			'a reference that dangles',
			() => rewritten(changed('Job', { owner_id: 4711 })),
			'names a User that is not in the archive',
		],
		[
			'a row of another project',
			() => rewritten(changed('Environment', { project_id: 3, name: 'elsewhere' })),
			'of another project',
		],
		['one name twice', () => rewritten(changed('Project', { name: 'App' }, 1)), 'is taken by a row before it'],
		[
			'a key of its own for a script',
			() => rewritten(changed('ScriptRef', { location: 'runs/1/0.zst' })),
			'location is not where the hub keeps',
		],
		[
			'an end before its beginning',
			() => rewritten(changed('Event', { end: '2020-01-01T00:00:00Z' })),
			'must be after start',
		],
		['a link to nothing', () => rewritten(changed('IncidentLink', { job_id: null })), 'job_id does not fit'],
		[
			'a member twice',
			() => rewritten(small.flatMap((line) => (line.kind === 'GroupUser' ? [line, line] : [line]))),
			'is taken by a row before it',
		],
	])('is refused: %s', async (_name, body, why) => {
		const answer = await offered(body());
		expect([400, 409], JSON.stringify(answer.body)).toContain(answer.status);
		expect(answer.body.detail).toContain(why);
		await expectEmpty();
	});

	it('is refused by the field, in the line it stands in', async () => {
		const line = first('Job') + 1;
		expect((await offered(rewritten(changed('Job', { priority: 'urgent' })))).body).toMatchObject({
			code: 'invalid',
			errors: [{ path: `lines.${String(line)}.row.priority` }],
		});
		expect((await offered(rewritten(changed('Job', { owner_id: 4711 })))).body).toMatchObject({
			errors: [{ path: `lines.${String(line)}.row.owner_id` }],
		});
	});

	it('takes no document that is not what its row names, and no log that does not go on', async () => {
		const script = lines.find(({ kind, row }) => kind === 'Document' && row.of === 'ScriptRef') as Line;
		const log = lines.find(({ kind }) => kind === 'RunLog') as Line;
		const withLine = (line: Line) => rewritten([...small.slice(0, -1), line, small.at(-1) as Line]);
		const data = btoa('#!/bin/sh\necho gotcha\n');
		for (const [line, why] of [
			[{ ...script, row: { ...script.row, data, size: atob(data).length } }, 'is not what the ScriptRef names'],
			[{ ...script, row: { ...script.row, id: 4711 } }, 'no such ScriptRef'],
			[{ ...script, row: { ...script.row, offset: 3 } }, 'does not continue'],
			[{ ...script, row: { ...script.row, size: Number(script.row.size) + 1 } }, 'rest of a document is missing'],
			[{ ...log, row: { ...log.row, run_id: 4711 } }, 'no such Run'],
			[{ ...log, row: { ...log.row, first: 2 } }, 'does not continue'],
			[{ ...log, row: { ...log.row, frames: [{ t_ms: 1, stream: 'stdout', base64: '' }] } }, 'frames'],
		] as const) {
			const answer = await offered(withLine(line as Line));
			expect(answer.status, why).toBe(400);
			expect(answer.body.detail).toContain(why);
		}
		await expectEmpty();
	});

	it('is not read further than its bounds', async () => {
		const id = await begin();
		expect((await send(id, 1, new Uint8Array(PART_MAX + 1))).status).toBe(413);
		// A hundred megabytes in one line, as a stream without an announced length: the first two are read.
		let asked = 0;
		const endless = new ReadableStream<Uint8Array>({
			pull(controller) {
				asked++;
				if (asked > 1600) controller.close();
				else controller.enqueue(new Uint8Array(65_536).fill(120));
			},
		});
		expect(await send(id, 1, endless)).toMatchObject({ status: 400 });
		expect(asked).toBeLessThan(100);
		expect((await send('no-such-import', 1, '')).status).toBe(404);
		expect((await nobody('POST', `/api/imports/${id}/lines?from=0`, { raw: '' })).status).toBe(400);
		await expectEmpty();
	});

	it('never answers 5xx, whatever stands in a line', async () => {
		const hostile = fc.oneof(
			fc.constantFrom<unknown>(
				null,
				-1,
				0,
				1.5,
				2 ** 53,
				'',
				'\0',
				'\ud800',
				'x'.repeat(70_000),
				[],
				{},
				true,
				'2026-13-01',
			),
			fc.constantFrom<unknown>({ __proto__: 1, constructor: 'x' }, JSON.parse('{"__proto__":{"a":1}}'), [[[{}]]]),
			fc.jsonValue(),
			fc.string({ unit: 'binary' }),
		);
		const statuses = new Map<number, number>();
		await fc.assert(
			fc.asyncProperty(fc.nat(), fc.nat(), hostile, async (n, m, value) => {
				const line = 1 + (n % (small.length - 2));
				const columns = Object.keys(small[line]?.row ?? {});
				const column = columns[m % columns.length] ?? '';
				const { status, body } = await offered(
					rewritten(small.map((it, i) => (i === line ? { ...it, row: { ...it.row, [column]: value } } : it))),
				);
				statuses.set(status, (statuses.get(status) ?? 0) + 1);
				expect(status, `${String(small[line]?.kind)} ${column} ${JSON.stringify(body)}`).toBeLessThan(500);
				if (status === 201) await emptyHub();
				else await expectEmpty();
			}),
			{ numRuns: 60, seed: 11 },
		);
		expect(statuses.get(400)).toBeGreaterThan(30);
	});
});
