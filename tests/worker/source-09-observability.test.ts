import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostReported } from '#worker/services/agents/seen.ts';
import { tidy } from '#worker/services/hub/tidy.ts';
import { type Answer, type Caller, ctxFor, fresh, insert, person, project } from './api-world.ts';

// How hosts are, against the source's own table of fields: kept by the minute for a day, by the quarter for a month.

const fields = {
	id: 'int',
	snapshot_time: 'datetime',
	cpu_cores: 'int',
	cpu_load_1m: 'float',
	cpu_load_5m: 'float',
	cpu_load_15m: 'float',
	ram_total_gib: 'float',
	ram_used_gib: 'float',
	disk_path: 'str',
	disk_total_gib: 'float',
	disk_used_gib: 'float',
	disk_free_gib: 'float',
} as const;

const MINUTE = 60_000;
const DAY = 86_400_000;
/** A moment at the beginning of a quarter of an hour. */
const NOW = Date.parse('2026-11-20T12:00:00Z');

let admin: Caller, dev: Caller;
let p: number, hidden: number;
let agent: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'read']]);
	hidden = await project(admin);
});
beforeEach(async () => {
	await env.DB.exec('delete from server_statuses');
	agent = await agentIn(null);
});

const agentIn = (project_ids: number[] | null) =>
	insert('agents', {
		name: fresh('agent'),
		public_key: fresh('k'),
		fingerprint: fresh('f'),
		status: 'offline',
		project_ids: project_ids && JSON.stringify(project_ids),
	});
const report = (load: number, disk_path = '/') => ({
	snapshot_time: new Date(0).toISOString(),
	cpu_cores: 8,
	cpu_load_1m: load,
	cpu_load_5m: load / 2,
	cpu_load_15m: load / 4,
	ram_total_gib: 31.3,
	ram_used_gib: load * 2,
	disk_path,
	disk_total_gib: 400,
	disk_used_gib: 100 + load,
	disk_free_gib: 300 - load,
});
const system = (now: number) => ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { now: () => now });
const says = (at: number, load: number, id = agent) => hostReported(system(at), id, report(load));
/** Rows of the past, without a round trip for each. */
const said = async (...rows: [at: number, load: number, agent?: number][]) => {
	const names = Object.keys(report(0));
	await env.DB.batch(
		rows.map(([at, load, id = agent]) =>
			env.DB.prepare(
				`insert into server_statuses (agent_id, ${names.join(', ')}) values (?, ${names.map(() => '?').join(', ')})`,
			).bind(id, ...Object.values({ ...report(load), snapshot_time: at })),
		),
	);
};
const kept = async (id = agent) =>
	(
		await env.DB.prepare(
			'select snapshot_time, span_min, cpu_load_1m from server_statuses where agent_id = ? order by snapshot_time',
		)
			.bind(id)
			.all<{ snapshot_time: number; span_min: number; cpu_load_1m: number }>()
	).results;
const items = async (query: string, who = dev) =>
	(await who.ok('GET', `/api/server-status${query}`)).items as Answer['body'][];

describe('9.1 ServerStatus', () => {
	it('has every field, at the time of the hub', async () => {
		await says(NOW, 2.5);
		const [row] = await items(`?agent_id=${String(agent)}`);
		for (const [field, kind] of Object.entries(fields)) {
			const value = row?.[field];
			if (kind === 'int') expect(Number.isInteger(value), field).toBe(true);
			else if (kind === 'float') expect(typeof value, field).toBe('number');
			else if (kind === 'datetime') expect(value, field).toBe(new Date(NOW).toISOString());
			else expect(value, field).toBe('/');
		}
		expect(Object.keys(row ?? {}).sort()).toEqual([...Object.keys(fields), 'agent_id'].sort());
	});

	it('is the latest of each agent, or one agent from here to there', async () => {
		const other = await agentIn([p]);
		await said([NOW - 2 * MINUTE, 1], [NOW - MINUTE, 2], [NOW, 3], [NOW - MINUTE, 7, other]);
		const latest = await items('');
		expect(latest.map((row) => [row.agent_id, row.cpu_load_1m])).toEqual([
			[agent, 3],
			[other, 7],
		]);
		const iso = (ms: number) => new Date(ms).toISOString();
		const some = await items(
			`?agent_id=${String(agent)}&from=${iso(NOW - 2 * MINUTE)}&to=${iso(NOW)}&sort=snapshot_time`,
		);
		expect(some.map((row) => row.cpu_load_1m)).toEqual([1, 2]);
	});

	it('is not shown of an agent that serves no project one may see', async () => {
		const away = await agentIn([hidden]);
		await said([NOW, 1, away]);
		expect(await items(`?agent_id=${String(away)}`)).toEqual([]);
		expect(await items(`?agent_id=${String(away)}`, admin)).toHaveLength(1);
		const history = `/api/server-status/history?agent_id=${String(away)}&from=2026-11-20T00:00:00Z`;
		expect((await dev.call('GET', history)).status).toBe(404);
		expect((await admin.call('GET', `${history}&to=2026-11-21T00:00:00Z`)).status).toBe(200);
	});
});

describe('thinning out', () => {
	it('leaves the minutes of a day, and makes means of the quarters before', async () => {
		const old = NOW - DAY - 30 * MINUTE;
		await said(
			...Array.from({ length: 15 }, (_, n) => [old + n * MINUTE, n] as [number, number]),
			[old + 20 * MINUTE, 40],
			[NOW - DAY, 5],
			[NOW - DAY + MINUTE, 6],
			[NOW - MINUTE, 7],
		);
		await tidy(system(NOW));
		const expected = [
			{ snapshot_time: old + 14 * MINUTE, span_min: 15, cpu_load_1m: 7 },
			{ snapshot_time: old + 20 * MINUTE, span_min: 15, cpu_load_1m: 40 },
			{ snapshot_time: NOW - DAY, span_min: 1, cpu_load_1m: 5 },
			{ snapshot_time: NOW - DAY + MINUTE, span_min: 1, cpu_load_1m: 6 },
			{ snapshot_time: NOW - MINUTE, span_min: 1, cpu_load_1m: 7 },
		];
		expect(await kept()).toEqual(expected);
		await tidy(system(NOW + 14 * MINUTE));
		expect(await kept()).toEqual(expected);
		await tidy(system(NOW + 15 * MINUTE));
		expect((await kept()).map((row) => [row.span_min, row.cpu_load_1m])).toEqual([
			[15, 7],
			[15, 40],
			[15, 5.5],
			[1, 7],
		]);
	});

	it('keeps the agents apart, and every value a mean of its own', async () => {
		const other = await agentIn(null);
		const at = NOW - 2 * DAY;
		await said([at, 1], [at + MINUTE, 3], [at, 10, other]);
		await tidy(system(NOW));
		expect(await kept()).toHaveLength(1);
		const [mine] = await items(`?agent_id=${String(agent)}`);
		expect(mine).toMatchObject({
			cpu_load_1m: 2,
			cpu_load_5m: 1,
			cpu_load_15m: 0.5,
			ram_used_gib: 4,
			disk_used_gib: 102,
			disk_free_gib: 298,
			cpu_cores: 8,
			disk_path: '/',
		});
		expect((await kept(other)).map((row) => row.cpu_load_1m)).toEqual([10]);
	});

	it('lets go of what is thirty days old', async () => {
		await said([NOW - 31 * DAY, 1], [NOW - 29 * DAY, 2]);
		for (let turn = 0; turn < 4; turn++) await tidy(system(NOW));
		expect((await kept()).map((row) => row.cpu_load_1m)).toEqual([2]);
		await tidy(system(NOW + 2 * DAY));
		expect(await kept()).toEqual([]);
	});

	it('takes a day at once: a hub that was away catches up in a few turns', async () => {
		await said(
			...[4, 3, 2].flatMap((days) => [
				[NOW - days * DAY, 1] as [number, number],
				[NOW - days * DAY + MINUTE, 3] as [number, number],
			]),
		);
		const left = async () => (await kept()).filter((row) => row.span_min === 1).length;
		await tidy(system(NOW));
		expect(await left()).toBe(4);
		await tidy(system(NOW));
		await tidy(system(NOW));
		expect((await kept()).map((row) => row.cpu_load_1m)).toEqual([2, 2, 2]);
	});
});

describe('a host over time', () => {
	const history = (query: string) => dev.ok('GET', `/api/server-status/history?agent_id=${String(agent)}&${query}`);

	it('is means of equal spans, no more of them than asked for', async () => {
		await said(...Array.from({ length: 120 }, (_, n) => [NOW - (120 - n) * MINUTE, n % 2] as [number, number]));
		const from = new Date(NOW - 2 * 3_600_000).toISOString();
		const to = new Date(NOW).toISOString();
		const answer = await history(`from=${from}&to=${to}&points=12`);
		expect(answer).toMatchObject({ from, to, span_ms: 10 * MINUTE });
		const points = answer.points as Record<string, unknown>[];
		expect(points).toHaveLength(12);
		expect(points[0]).toEqual({
			at: from,
			cpu_load_1m: 0.5,
			cpu_load_1m_max: 1,
			cpu_load_5m: 0.25,
			cpu_load_15m: 0.125,
			cpu_cores: 8,
			ram_used_gib: 1,
			ram_total_gib: 31.3,
			disk_used_gib: 100.5,
			disk_total_gib: 400,
		});
		expect((await history(`from=${from}&to=${to}&points=500`)).points).toHaveLength(120);
	});

	it('says nothing of the spans without a report', async () => {
		await said([NOW - 60 * MINUTE, 1], [NOW - 5 * MINUTE, 2]);
		const answer = await history(`from=2026-11-20T10:00:00Z&to=2026-11-20T12:00:00Z&points=24`);
		expect((answer.points as { at: string }[]).map(({ at }) => at)).toEqual([
			'2026-11-20T11:00:00.000Z',
			'2026-11-20T11:55:00.000Z',
		]);
	});

	it('refuses windows that are none, or too long', async () => {
		for (const [query, path] of [
			['from=2026-11-20T10:00:00Z&to=2026-11-20T10:00:00Z', 'to'],
			['from=2026-10-01T10:00:00Z&to=2026-11-20T10:00:00Z', 'to'],
			['from=2099-01-01T00:00:00Z', 'from'],
			['from=yesterday', 'from'],
			['from=2026-11-20T10:00:00Z&points=1', 'points'],
			['from=2026-11-20T10:00:00Z&points=501', 'points'],
			['', 'from'],
		] as const)
			expect(
				await dev.call('GET', `/api/server-status/history?agent_id=${String(agent)}&${query}`),
				query,
			).toMatchObject({ status: 400, body: { errors: [{ path }] } });
	});
});
