import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { EntryKind } from '#domain/incident-entry.ts';
import { type Answer, type Caller, fresh, idOf, person, project } from './api-world.ts';

// Incidents and post-mortems against the source's own table of fields and values, over the API's real answers.

const source = {
	Incident: {
		id: 'int',
		project_id: 'int',
		title: 'str',
		description: 'str | null',
		severity: ['low', 'medium', 'high', 'critical'],
		status: ['open', 'mitigated', 'resolved', 'closed'],
		detected_at: 'datetime',
		resolved_at: 'datetime | null',
		created_at: 'datetime',
		updated_at: 'datetime',
	},
	PostMortem: {
		id: 'int',
		incident_id: 'int',
		summary: 'str',
		impact: 'str',
		root_cause: 'str | null',
		timeline: 'str',
		action_items: 'str',
		created_by_id: 'int',
		created_at: 'datetime',
		updated_at: 'datetime',
	},
} as const;

let admin: Caller, owner: Caller, dev: Caller, ops: Caller, stranger: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, owner, dev, ops, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('ops'),
		person('dev'),
	]);
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'operate'],
	]);
	other = await project(admin);
});

type Row = Answer['body'];
const open = (fields: object = {}, who = dev) =>
	who.ok('POST', `/api/projects/${String(p)}/incidents`, { title: fresh('incident '), ...fields });
const at = (incident: Row, rest = '') => `/api/incidents/${String(idOf(incident))}${rest}`;
const match = (row: Row) => ({ 'if-match': `"v${String(row.version)}"` });
const items = async (path: string, who = dev) => (await who.ok('GET', path)).items as Row[];

function isOf(value: unknown, type: string | readonly string[]): boolean {
	if (typeof type !== 'string') return typeof value === 'string' && type.includes(value);
	if (type.endsWith(' | null') && value === null) return true;
	const kind = type.replace(' | null', '');
	if (kind === 'int') return Number.isInteger(value);
	if (kind === 'datetime') return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
	return typeof value === 'string';
}
function expectSource(row: Row, entity: keyof typeof source) {
	for (const [field, type] of Object.entries(source[entity])) {
		expect(row, field).toHaveProperty(field);
		expect(isOf(row[field], type), `${field}: ${JSON.stringify(row[field])}`).toBe(true);
	}
}

describe('an incident', () => {
	it('has the fields of the source, and takes each of its severities', async () => {
		for (const severity of source.Incident.severity) {
			const incident = await open({ severity });
			expectSource(incident, 'Incident');
			expect(incident).toMatchObject({ severity, status: 'open', resolved_at: null, version: 1 });
		}
		expect(
			(await dev.call('POST', `/api/projects/${String(p)}/incidents`, { body: { title: 'x', severity: 'urgent' } }))
				.status,
		).toBe(400);
	});

	it('goes through each status of the source, every step stamped, told in the timeline and audited', async () => {
		const now = Date.now();
		const started_at = new Date(now - 600_000).toISOString();
		const detected_at = new Date(now - 300_000).toISOString();
		const incident = await open({ started_at, detected_at });
		expect(incident).toMatchObject({ mttd: 300_000, mtta: null, mttr: null });
		const seen = [incident.status];
		const stamps = {
			acknowledge: 'acknowledged_at',
			mitigate: 'mitigated_at',
			resolve: 'resolved_at',
			close: 'closed_at',
		};
		for (const [step, stamp] of Object.entries(stamps)) {
			const after = await ops.ok('POST', at(incident, `/${step}`), { note: `now ${step}` });
			expectSource(after, 'Incident');
			expect(isOf(after[stamp], 'datetime'), stamp).toBe(true);
			if (after.status !== seen.at(-1)) seen.push(after.status);
		}
		expect(seen).toEqual(source.Incident.status);
		const closed = await ops.ok('GET', at(incident));
		expect(closed.mtta).toBe(Date.parse(String(closed.acknowledged_at)) - Date.parse(detected_at));
		expect(closed.mttr).toBe(Date.parse(String(closed.resolved_at)) - Date.parse(detected_at));

		expect((await ops.call('POST', at(incident, '/reopen'), { body: {} })).status).toBe(400);
		expect((await ops.call('POST', at(incident, '/reopen'), { body: { reason: '  ' } })).status).toBe(400);
		const again = await dev.ok('POST', at(incident, '/reopen'), { reason: 'it is back' });
		expect(again).toMatchObject({ status: 'open', resolved_at: null, closed_at: null, mttr: null });
		expect(again.acknowledged_at).toBe(closed.acknowledged_at);

		const told = await items(at(incident, '/entries'));
		expect(told.map(({ ref }) => (ref as { step: string }).step)).toEqual(['open', ...Object.keys(stamps), 'reopen']);
		expect(told.at(-1)).toMatchObject({ kind: 'status', author_id: dev.id, body: 'it is back' });
		const audit = await items(`/api/audit?object_type=Incident&object_id=${String(idOf(incident))}`, admin);
		expect(audit.map(({ action }) => action)).toEqual(
			['reopen', 'close', 'resolve', 'mitigate', 'acknowledge', 'create'].map((verb) => `incident.${verb}`),
		);
	});

	it('refuses each step its status does not allow, and changes nothing', async () => {
		const incident = await open();
		for (const step of ['close', 'reopen'])
			expect(
				await ops.call('POST', at(incident, `/${step}`), { body: step === 'reopen' ? { reason: 'x' } : {} }),
			).toMatchObject({
				status: 409,
				body: { code: 'conflict' },
			});
		await ops.ok('POST', at(incident, '/acknowledge'), {});
		expect((await dev.call('POST', at(incident, '/acknowledge'))).status).toBe(409);
		await ops.ok('POST', at(incident, '/resolve'), {});
		for (const step of ['acknowledge', 'mitigate', 'resolve'])
			expect((await ops.call('POST', at(incident, `/${step}`))).status, step).toBe(409);
		expect(await dev.ok('GET', at(incident))).toMatchObject({ version: 3, status: 'resolved' });
		expect(await items(at(incident, '/entries'))).toHaveLength(3);
	});

	it('takes one of two who do the same step at once', async () => {
		const incident = await open();
		const answers = await Promise.all([dev, ops, owner].map((who) => who.call('POST', at(incident, '/mitigate'))));
		expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
		expect(await items(at(incident, '/entries'))).toHaveLength(2);
	});

	it('changes its severity for those who may, in the timeline', async () => {
		const incident = await open({ severity: 'low' });
		expect(
			await dev.call('PATCH', at(incident), { body: { severity: 'high' }, headers: match(incident) }),
		).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('incident.update_severity') },
		});
		// Naming the severity it has is no change of it.
		const titled = await dev.ok('PATCH', at(incident), { severity: 'low', title: 'other' }, match(incident));
		const graver = await ops.ok('PATCH', at(incident), { severity: 'critical' }, match(titled));
		expect(graver).toMatchObject({ severity: 'critical', title: 'other', version: 3 });
		expect((await items(at(incident, '/entries'))).at(-1)?.ref).toEqual({
			type: 'severity',
			from: 'low',
			to: 'critical',
		});
		expect(await dev.call('PATCH', at(incident), { body: { title: 'mine' }, headers: match(incident) })).toMatchObject({
			status: 412,
			body: { current: { version: 3 }, changed: [{ field: 'severity', by_id: ops.id }, { field: 'title' }] },
		});
	});

	it('refuses what its fields cannot be, naming them', async () => {
		const future = new Date(Date.now() + 3_600_000).toISOString();
		const environment = await admin.ok('POST', `/api/projects/${String(other)}/environments`, {
			name: 'e',
			type: 'dev',
		});
		const cases: [object, string][] = [
			[{ title: '' }, 'title'],
			[{ title: 'x\u202e' }, 'title'],
			[{ detected_at: future }, 'detected_at'],
			[{ detected_at: '2026-01-01' }, 'detected_at'],
			[{ started_at: future }, 'started_at'],
			[{ started_at: '2026-02-02T00:00:00Z', detected_at: '2026-02-01T00:00:00Z' }, 'started_at'],
			[{ environment_id: environment.id }, 'environment_id'],
		];
		for (const [fields, path] of cases)
			expect(
				await dev.call('POST', `/api/projects/${String(p)}/incidents`, { body: { title: 'x', ...fields } }),
				JSON.stringify(fields),
			).toMatchObject({ status: 400, body: { errors: [{ path }] } });
		// 3: what nobody may set.
		for (const field of ['status', 'resolved_at', 'commander_id', 'project_id', 'version', 'mttr'])
			expect(
				(await admin.call('POST', `/api/projects/${String(p)}/incidents`, { body: { title: 'x', [field]: 1 } })).status,
				field,
			).toBe(400);
	});

	it('is one for the same alert until that one is resolved', async () => {
		const first = await open({ dedupe_key: 'disk:db-1' });
		expect(
			(
				await dev.call('POST', `/api/projects/${String(p)}/incidents`, {
					body: { title: 'x', dedupe_key: 'disk:db-1' },
				})
			).status,
		).toBe(409);
		await ops.ok('POST', at(first, '/resolve'), {});
		await open({ dedupe_key: 'disk:db-1' });
		expect((await ops.call('POST', at(first, '/reopen'), { body: { reason: 'x' } })).status).toBe(409);
	});

	it('goes only when nothing was said of it; an archived project keeps its own as they are', async () => {
		const mistake = await open();
		await ops.ok('DELETE', at(mistake), undefined, match(mistake));
		expect((await ops.call('GET', at(mistake))).status).toBe(404);
		const incident = await open();
		await dev.ok('POST', at(incident, '/entries'), { body: 'seen' });
		expect(await ops.call('DELETE', at(incident), { headers: match(incident) })).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('entries (1)') },
		});
		const own = await project(owner);
		const kept = await owner.ok('POST', `/api/projects/${String(own)}/incidents`, { title: 'x' });
		await env.DB.prepare("update projects set status = 'archived' where id = ?").bind(own).run();
		for (const [method, path, body] of [
			['POST', '/acknowledge', {}],
			['POST', '/entries', { body: 'x' }],
			['POST', '/postmortem', {}],
			['PATCH', '', { title: 'y' }],
		] as const)
			expect((await owner.call(method, at(kept, path), { body, headers: match(kept) })).status, path).toBe(409);
	});

	it('is found by its list, and by nobody else', async () => {
		const incident = await open({ title: 'needle in a list', severity: 'high' });
		for (const query of [
			'q=NEEDLE',
			'q=needle&active=true',
			'q=needle&status=open&severity=high',
			`q=needle&project_id=${String(p)}`,
		])
			expect((await items(`/api/incidents?${query}`)).map(idOf), query).toEqual([idOf(incident)]);
		for (const query of ['q=needle&active=false', 'q=needle&status=closed', 'q=needle&to=2020-01-01T00:00:00Z'])
			expect(await items(`/api/incidents?${query}`), query).toEqual([]);
		expect(JSON.stringify(await stranger.ok('GET', '/api/incidents?limit=200'))).not.toContain('needle');
		expect((await stranger.call('GET', `/api/incidents?project_id=${String(p)}`)).status).toBe(404);
		let cursor: unknown = '';
		const walked: number[] = [];
		do {
			const page: Row = await dev.ok(
				'GET',
				`/api/projects/${String(p)}/incidents?limit=3${cursor ? `&cursor=${String(cursor)}` : ''}`,
			);
			walked.push(...(page.items as Row[]).map(idOf));
			cursor = page.next_cursor;
		} while (cursor);
		expect(new Set(walked).size).toBe(walked.length);
		expect(walked).toHaveLength((await items(`/api/projects/${String(p)}/incidents?limit=200`)).length);
	});
});

describe('its roles', () => {
	it('are handed over, to people of the project only, and the timeline keeps who had them', async () => {
		const incident = await open();
		await dev.ok('POST', at(incident, '/roles'), { role: 'commander', user_id: dev.id });
		const handed = await dev.ok('POST', at(incident, '/roles'), { role: 'commander', user_id: ops.id });
		expect(handed).toMatchObject({ commander_id: ops.id, scribe_id: null, comms_id: null });
		for (const user_id of [stranger.id, 999_999])
			expect(await dev.call('POST', at(incident, '/roles'), { body: { role: 'scribe', user_id } })).toMatchObject({
				status: 400,
				body: { errors: [{ path: 'user_id' }] },
			});
		await dev.ok('POST', at(incident, '/roles'), { role: 'commander', user_id: null });
		expect((await items(at(incident, '/entries?kind=role'))).map(({ ref }) => ref)).toEqual([
			{ type: 'role', role: 'commander', from: null, to: dev.id },
			{ type: 'role', role: 'commander', from: dev.id, to: ops.id },
			{ type: 'role', role: 'commander', from: ops.id, to: null },
		]);
	});
});

describe('its timeline', () => {
	it('keeps when things happened, whatever is added, pinned, hidden or reworded later', async () => {
		const incident = await open();
		const early = new Date(Date.now() - 3_600_000).toISOString();
		const note = await dev.ok('POST', at(incident, '/entries'), { body: 'first errors', at: early });
		expect(EntryKind.options).toEqual(['status', 'role', 'run', 'change', 'alert', 'message', 'note', 'metric']);
		expect((await items(at(incident, '/entries'))).map(idOf)[0]).toBe(idOf(note));
		const pinned = await ops.ok(
			'PATCH',
			at(incident, `/entries/${String(idOf(note))}`),
			{ pinned: true, hidden: true },
			match(note),
		);
		expect(pinned).toMatchObject({ at: early, pinned: true, hidden: true, body: 'first errors', author_id: dev.id });
		expect((await items(at(incident, '/entries?hidden=false'))).map(idOf)).not.toContain(idOf(note));
		expect(
			(
				await ops.call('PATCH', at(incident, `/entries/${String(idOf(note))}`), {
					body: { body: 'no' },
					headers: match(pinned),
				})
			).status,
		).toBe(403);
		await dev.ok('PATCH', at(incident, `/entries/${String(idOf(note))}`), { body: 'first 502s' }, match(pinned));
		const [, opened] = await items(at(incident, '/entries'));
		expect(
			await dev.call('PATCH', at(incident, `/entries/${String(opened?.id)}`), {
				body: { body: 'x' },
				headers: { 'if-match': '"v1"' },
			}),
		).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'body' }] },
		});
		for (const body of [
			{ kind: 'status', body: 'x' },
			{ kind: 'alert', body: 'x' },
			{ body: ' ' },
			{ body: 'x', ref: {} },
			{ body: 'x', author_id: 1 },
		])
			expect((await dev.call('POST', at(incident, '/entries'), { body })).status, JSON.stringify(body)).toBe(400);
	});

	it('1: shows an entry under its own incident only', async () => {
		const [one, two] = [await open(), await open()];
		const note = await dev.ok('POST', at(one, '/entries'), { body: 'x' });
		expect(
			(
				await dev.call('PATCH', at(two, `/entries/${String(idOf(note))}`), {
					body: { pinned: true },
					headers: match(note),
				})
			).status,
		).toBe(404);
	});
});

describe('its links', () => {
	const job = (fields: object = {}, where = p, who = dev) =>
		who.ok('POST', `/api/projects/${String(where)}/jobs`, { title: fresh('job '), job_type: 'dev', ...fields });
	const event = (where = p, who = dev) =>
		who.ok('POST', `/api/projects/${String(where)}/events`, {
			title: fresh('event '),
			start: '2026-12-01T08:00:00Z',
			event_type: 'incident',
		});

	it('are those of the source: jobs by what they did, runs, events', async () => {
		const incident = await open();
		const script = await dev.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const run = await dev.ok('POST', `/api/jobs/${String(idOf(await job({ script_ids: [script.id] })))}/runs`, {});
		for (const role of ['introduced', 'mitigation', 'rollback', 'related'])
			await dev.ok('POST', at(incident, '/links'), { kind: 'job', job_id: idOf(await job()), role });
		await dev.ok('POST', at(incident, '/links'), { kind: 'run', run_id: run.id });
		await dev.ok('POST', at(incident, '/links'), { kind: 'event', event_id: idOf(await event()) });
		const links = await items(at(incident, '/links'));
		expect(links.map(({ kind, role }) => [kind, role])).toEqual([
			['job', 'introduced'],
			['job', 'mitigation'],
			['job', 'rollback'],
			['job', 'related'],
			['run', null],
			['event', null],
		]);
		expect(links.every(({ title }) => title !== '')).toBe(true);
		expect((await items(`/api/incidents?job_id=${String(run.job_id)}`)).map(idOf)).toEqual([idOf(incident)]);
		const [first] = links;
		if (!first) throw new Error('no link');
		const link = at(incident, `/links/${String(idOf(first))}`);
		const changed = await dev.ok('PATCH', link, { role: 'related' }, match(first));
		expect((await dev.call('PATCH', link, { body: { role: 'rollback' }, headers: match(first) })).status).toBe(412);
		await dev.ok('DELETE', link, undefined, match(changed));
		const told = (await items(at(incident, '/entries?limit=200'))).filter(
			({ kind }) => kind === 'change' || kind === 'run',
		);
		expect(told.map(({ ref }) => (ref as { act: string }).act)).toEqual([
			...Array<string>(6).fill('added'),
			'changed',
			'removed',
		]);
		expect(
			(
				await dev.call('PATCH', at(incident, `/links/${String(links[4]?.id)}`), {
					body: { role: 'related' },
					headers: { 'if-match': '"v1"' },
				})
			).status,
		).toBe(400);
	});

	it('2: are refused to what is of another project, or not there, and twice', async () => {
		const incident = await open();
		const foreign = [
			{ kind: 'job', job_id: idOf(await job({}, other, admin)) },
			{ kind: 'event', event_id: idOf(await event(other, admin)) },
			{ kind: 'job', job_id: 999_999 },
			{ kind: 'run', run_id: 999_999 },
		];
		for (const body of foreign)
			expect(await admin.call('POST', at(incident, '/links'), { body })).toMatchObject({
				status: 400,
				body: { errors: [{ path: `${body.kind}_id` }] },
			});
		const own = { kind: 'job', job_id: idOf(await job()) };
		await dev.ok('POST', at(incident, '/links'), own);
		expect((await dev.call('POST', at(incident, '/links'), { body: own })).status).toBe(409);
		for (const body of [
			{ kind: 'run', job_id: 1 },
			{ kind: 'event', event_id: 1, role: 'related' },
			{ kind: 'other', id: 1 },
		])
			expect((await dev.call('POST', at(incident, '/links'), { body })).status).toBe(400);
		expect(await items(at(incident, '/links'))).toHaveLength(1);
	});

	it('hold what they lead to', async () => {
		const incident = await open();
		const linked = await job({ planned_start: '2026-12-02T08:00:00Z' });
		const [entry] = await items(`/api/projects/${String(p)}/events?job_id=${String(idOf(linked))}`);
		const free = await event();
		for (const event_id of [entry?.id, free.id])
			await dev.ok('POST', at(incident, '/links'), { kind: 'event', event_id });
		for (const [method, path, row, body] of [
			['DELETE', `/api/jobs/${String(idOf(linked))}`, linked, undefined],
			['PATCH', `/api/jobs/${String(idOf(linked))}`, linked, { planned_start: null }],
			['DELETE', `/api/events/${String(idOf(free))}`, free, undefined],
		] as const)
			expect(await dev.call(method, path, { body, headers: match(row) }), path).toMatchObject({
				status: 409,
				body: { detail: expect.stringContaining('incident') },
			});
		const environment = await owner.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: fresh('e'),
			type: 'dev',
		});
		await open({ environment_id: environment.id });
		expect(
			(await owner.call('DELETE', `/api/environments/${String(idOf(environment))}`, { headers: match(environment) }))
				.status,
		).toBe(409);
	});
});

describe('what changed before it', () => {
	it('is what ended, was planned or was edited in its project in those hours, with why it ranks', async () => {
		const environment = await owner.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: fresh('e'),
			type: 'staging',
		});
		const script = await dev.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await dev.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'the release',
			job_type: 'dev',
			environment_id: environment.id,
			script_ids: [script.id],
		});
		const run = await dev.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		await env.DB.prepare(
			"update runs set status = 'failed', phase = 'done', finished_at = requested_at + 1 where id = ?",
		)
			.bind(idOf(run))
			.run();
		await admin.ok('POST', `/api/projects/${String(other)}/jobs`, { title: 'of another project', job_type: 'dev' });
		await dev.ok('PATCH', `/api/jobs/${String(idOf(job))}`, { title: 'the release' + '!' }, match(job));
		const later = new Date(Date.now() + 60_000).toISOString();
		const incident = await open({ environment_id: environment.id, detected_at: later });
		const changes = await items(at(incident, '/changes?limit=200'));
		expect(changes[0]).toMatchObject({
			kind: 'run',
			id: run.id,
			title: 'the release!',
			reasons: ['same_environment', 'just_before', 'failed'],
		});
		expect(changes).toContainEqual(
			expect.objectContaining({ kind: 'edit', action: 'job.update', id: job.id, fields: ['title'], by_id: dev.id }),
		);
		expect(JSON.stringify(changes)).not.toContain('of another project');
		const old = await open({ detected_at: '2025-01-01T00:00:00Z' });
		expect(await items(at(old, '/changes?hours=168'))).toEqual([]);
		for (const query of ['hours=0', 'hours=169', 'limit=201', 'hours=x'])
			expect((await dev.call('GET', at(incident, `/changes?${query}`))).status, query).toBe(400);
	});
});

describe('its post-mortem', () => {
	const written = { summary: 'Cache lost', impact: '12 min of 502', timeline: '- 10:02 first alert', action_items: '' };
	const begin = async (fields: object = written) => {
		const incident = await open({ title: 'Checkout | down *now*' });
		return { incident, postmortem: await dev.ok('POST', at(incident, '/postmortem'), fields) };
	};

	it('has the fields of the source, once', async () => {
		const { incident, postmortem } = await begin();
		expectSource(postmortem, 'PostMortem');
		expect(postmortem).toMatchObject({ ...written, root_cause: null, status: 'draft', created_by_id: dev.id });
		expectSource(await dev.ok('GET', at(incident, '/postmortem')), 'PostMortem');
		expect((await dev.ok('GET', at(incident))).postmortem).toMatchObject({ id: postmortem.id, status: 'draft' });
		expect((await dev.ok('GET', at(await open()))).postmortem).toBeNull();
		expect((await dev.call('POST', at(incident, '/postmortem'), { body: {} })).status).toBe(409);
		expect((await dev.call('GET', at(await open(), '/postmortem'))).status).toBe(404);
	});

	it('is edited section by section, and tells who changed which', async () => {
		const { incident, postmortem } = await begin();
		const mine = await dev.ok('PATCH', at(incident, '/postmortem'), { root_cause: 'eviction' }, match(postmortem));
		expect(mine).toMatchObject({ ...written, root_cause: 'eviction', version: 2 });
		expect(
			await ops.call('PATCH', at(incident, '/postmortem'), { body: { impact: 'more' }, headers: match(postmortem) }),
		).toMatchObject({
			status: 412,
			body: { current: { root_cause: 'eviction' }, changed: [{ field: 'root_cause', by_id: dev.id }] },
		});
		expect(
			(await dev.call('PATCH', at(incident, '/postmortem'), { body: { status: 'published' }, headers: match(mine) }))
				.status,
		).toBe(400);
		expect(
			(
				await dev.call('PATCH', at(incident, '/postmortem'), {
					body: { impact: 'x'.repeat(60_001) },
					headers: match(mine),
				})
			).status,
		).toBe(400);
		const [audit] = await items(`/api/audit?object_type=PostMortem&object_id=${String(idOf(postmortem))}`, admin);
		expect(audit?.metadata).toEqual({ version: 2, changes: { root_cause: { from: null, to: { characters: 8 } } } });
	});

	it('takes the longest texts there may be, in every section at once', async () => {
		const long = 'é'.repeat(60_000);
		const { incident, postmortem } = await begin({ ...written, summary: long, impact: long, timeline: long });
		const whole = await dev.ok(
			'PATCH',
			at(incident, '/postmortem'),
			{ root_cause: long, action_items: long },
			match(postmortem),
		);
		expect(whole.action_items).toBe(long);
		for (const format of ['md', 'html', 'json'])
			expect((await dev.call('GET', at(incident, `/postmortem/export?format=${format}`))).status, format).toBe(200);
	});

	it('is reviewed, published by those who may, and withdrawn before it is edited again', async () => {
		const { incident, postmortem } = await begin({ ...written, impact: ' ' });
		expect((await ops.call('POST', at(incident, '/postmortem/publish'))).status).toBe(409);
		await dev.ok('POST', at(incident, '/postmortem/submit'), {});
		expect((await dev.call('POST', at(incident, '/postmortem/publish'))).status).toBe(403);
		expect(await ops.call('POST', at(incident, '/postmortem/publish'))).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'impact' }] },
		});
		const again = await dev.ok('PATCH', at(incident, '/postmortem'), { impact: 'some' }, { 'if-match': '"v2"' });
		expect(again).toMatchObject({ status: 'review', version: 3 });
		const published = await ops.ok('POST', at(incident, '/postmortem/publish'), {});
		expect(published).toMatchObject({ status: 'published' });
		expect(isOf(published.published_at, 'datetime')).toBe(true);
		expect(
			(await dev.call('PATCH', at(incident, '/postmortem'), { body: { impact: 'x' }, headers: match(published) }))
				.status,
		).toBe(409);
		expect((await dev.call('POST', at(incident, '/postmortem/withdraw'))).status).toBe(403);
		expect(await ops.ok('POST', at(incident, '/postmortem/withdraw'), {})).toMatchObject({
			status: 'draft',
			published_at: null,
		});
		expect(idOf(published)).toBe(idOf(postmortem));

		const versions = await items(at(incident, '/postmortem/versions'));
		expect(versions.map(({ number, reason, status }) => [number, reason, status])).toEqual([
			[5, 'withdraw', 'draft'],
			[4, 'publish', 'published'],
			[3, 'edit', 'review'],
			[2, 'submit', 'review'],
			[1, 'created', 'draft'],
		]);
		expect(versions[0]).not.toHaveProperty('summary');
		expect(await dev.ok('GET', at(incident, '/postmortem/versions/1'))).toMatchObject({ impact: ' ' });
		expect(await dev.ok('GET', at(incident, '/postmortem/versions/4'))).toMatchObject({ impact: 'some' });
		expect((await dev.call('GET', at(incident, '/postmortem/versions/6'))).status).toBe(404);
	});

	it("keeps one person's edits in a row as one version, and another's apart", async () => {
		const { incident, postmortem } = await begin();
		let row = postmortem;
		for (const [who, summary] of [
			[dev, 'a'],
			[dev, 'b'],
			[ops, 'c'],
			[dev, 'd'],
		] as const)
			row = await who.ok('PATCH', at(incident, '/postmortem'), { summary }, match(row));
		const versions = await items(at(incident, '/postmortem/versions?sort=number'));
		expect(versions.map(({ created_by_id, reason }) => [created_by_id, reason])).toEqual([
			[dev.id, 'created'],
			[dev.id, 'edit'],
			[ops.id, 'edit'],
			[dev.id, 'edit'],
		]);
		expect(await dev.ok('GET', at(incident, '/postmortem/versions/2'))).toMatchObject({ summary: 'b' });
	});

	it('12: is exported as Markdown, JSON and a page in which nothing runs', async () => {
		const { incident } = await begin({
			...written,
			summary: '<script>alert(1)</script> [x](javascript:alert(1))\n\n[y](javascript:alert(2)) **bold**',
		});
		await dev.ok('POST', at(incident, '/postmortem/actions'), {
			title: '<b>alert</b> | on evictions',
			owner_id: ops.id,
		});
		const md = await dev.call('GET', at(incident, '/postmortem/export'));
		expect(md.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
		expect(md.body.text).toContain('title: "Checkout | down *now*"');
		expect(md.body.text).toContain('# Checkout \\| down \\*now\\*');
		const html = await dev.call('GET', at(incident, '/postmortem/export?format=html&locale=fr'));
		const text = String(html.body.text);
		expect(text).toContain('<h2>Résumé</h2>');
		expect(text).toContain('<strong>bold</strong>');
		expect(text).toContain('Checkout | down *now*</h1>');
		expect(text).not.toMatch(/<script|<b>|href="javascript/);
		expect(html.headers.get('content-security-policy')).toContain('sandbox');
		expect(html.headers.get('content-disposition')).toContain('attachment');
		const json = await dev.call('GET', at(incident, '/postmortem/export?format=json'));
		expect(json.body).toMatchObject({ incident: { id: idOf(incident) }, actions: [{ owner_id: ops.id }] });
		expect((await dev.call('GET', at(incident, '/postmortem/export?format=pdf'))).status).toBe(400);
	});

	it('has actions with owners and dates', async () => {
		const { incident } = await begin();
		const actions = at(incident, '/postmortem/actions');
		const action = await dev.ok('POST', actions, {
			title: 'Alert on evictions',
			owner_id: ops.id,
			due: '2026-12-24T12:00:00Z',
			priority: 'high',
		});
		expect(action).toMatchObject({ state: 'open', due: '2026-12-24T12:00:00.000Z', priority: 'high' });
		const path = `${actions}/${String(idOf(action))}`;
		const done = await ops.ok('PATCH', path, { state: 'done' }, match(action));
		for (const body of [{ state: 'later' }, { owner_id: 999_999 }, { due: 'soon' }, { postmortem_id: 1 }])
			expect((await dev.call('PATCH', path, { body, headers: match(done) })).status, JSON.stringify(body)).toBe(400);
		const elsewhere = await begin();
		expect(
			(
				await dev.call('PATCH', at(elsewhere.incident, `/postmortem/actions/${String(idOf(action))}`), {
					body: { title: 'x' },
					headers: match(done),
				})
			).status,
		).toBe(404);
		expect(await items(actions)).toMatchObject([{ id: action.id, state: 'done' }]);
		await dev.ok('DELETE', path, undefined, match(done));
		expect(await items(actions)).toEqual([]);
		expect((await dev.call('POST', at(await open(), '/postmortem/actions'), { body: { title: 'x' } })).status).toBe(
			404,
		);
	});
});
