import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeAll, describe, expect, it } from 'vitest';
import { startDue } from '#worker/services/runs/scheduled.ts';
import { type Answer, type Caller, ctxFor, fresh, idOf, person, project } from './api-world.ts';
import { becomes, enrolled, TestAgent } from './live-world.ts';
import { ifMatch } from './source-world.ts';

// Jobs that recur and start by themselves: a run for each time, one that waits at most.

type Row = Answer['body'];
let admin: Caller;

beforeAll(async () => {
	admin = await person('admin');
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();
const inP = (path: string, of: number) => `/api/projects/${String(of)}/${path}`;

describe('a job that recurs', () => {
	const room = (of: number) => env.PROJECT_ROOM.getByName(String(of));
	const runsOf = async (job: Row) =>
		(await env.DB.prepare('select * from runs where job_id = ? order by id').bind(job.id).all()).results;
	const read = (job: Row) => admin.ok('GET', `/api/jobs/${String(idOf(job))}`);
	async function planned(of: number, more: object = {}) {
		const script = await admin.ok('POST', inP('scripts', of), {
			...{ tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true\n' },
		});
		// Half an hour from any of its times, before and behind: what was due a moment ago has not been missed, and runs.
		const start = Math.floor(Date.now() / MINUTE) * MINUTE + HOUR / 2;
		return admin.ok('POST', inP('jobs', of), {
			...{ title: fresh('job'), job_type: 'dev', script_ids: [script.id] },
			...{ planned_start: iso(start), planned_end: iso(start + HOUR / 2), auto_start: true },
			recurrence: { rrule: 'FREQ=HOURLY', time_zone: 'UTC' },
			...more,
		});
	}
	/** As if all of it had been planned for so much earlier, and nobody had looked since. */
	const wasPlanned = (job: Row, ms: number) =>
		env.DB.prepare(
			`update jobs set planned_start = planned_start - ?1, planned_end = planned_end - ?1, next_start = next_start - ?1
				where id = ?2`,
		)
			.bind(ms, job.id)
			.run();

	it('gets a run each time, once, whoever notices, whatever became of the one before, and though its room slept', async () => {
		const mine = await project(admin);
		const job = await planned(mine);
		expect(job).toMatchObject({ next_start: job.planned_start, status: 'planned' });
		const first = Date.parse(String(job.planned_start)) - HOUR;
		await wasPlanned(job, Date.parse(String(job.planned_start)) - Date.now() + 1_000);
		const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		await Promise.all([room(mine).look(), startDue(ctx, mine), startDue(ctx, mine)]);
		await expect.poll(() => runsOf(job), { timeout: 30_000 }).toHaveLength(1);
		const [run = {}] = await runsOf(job);
		expect(Number(run.scheduled_for)).toBeGreaterThan(first);
		const after = await read(job);
		expect(Date.parse(String(after.next_start))).toBe(Number(run.scheduled_for) + HOUR);
		expect(await env.DB.prepare('select status from jobs where id = ?').bind(job.id).first('status')).toBe('planned');
		await admin.ok('POST', `/api/runs/${String(run.id)}/cancel`, {});
		await becomes(Number(run.id), { status: 'canceled' });
		await env.DB.prepare("update jobs set status = 'failed' where id = ?").bind(job.id).run();
		// Moved back onto a time at which it had started, it goes on to the next; the one after that gets its own run.
		await wasPlanned(job, HOUR);
		await room(mine).look();
		await expect.poll(async () => Date.parse(String((await read(job)).next_start))).toBeGreaterThan(Date.now());
		expect(await runsOf(job)).toHaveLength(1);
		await wasPlanned(job, HOUR - 500);
		await evictDurableObject(room(mine));
		await room(mine).look();
		await expect.poll(() => runsOf(job), { timeout: 30_000 }).toHaveLength(2);
	});

	it('says once that it was missed while the hub was away, and goes on with the next time', async () => {
		const mine = await project(admin);
		const job = await planned(mine);
		await wasPlanned(job, 5 * DAY);
		await room(mine).look();
		await expect.poll(() => runsOf(job), { timeout: 30_000 }).toHaveLength(1);
		await becomes(Number((await runsOf(job))[0]?.id), {
			status: 'canceled',
			reason: expect.stringContaining('"missed"'),
		});
		await room(mine).look();
		expect(await runsOf(job)).toHaveLength(1);
		const next = Date.parse(String((await read(job)).next_start));
		expect(next).toBeGreaterThan(Date.now() - 300_000);
		expect(next).toBeLessThanOrEqual(Date.now() + HOUR);
	});

	describe('whose run waits', () => {
		/** One time of it comes, and what waits is told why. */
		async function comes(job: Row, of: number) {
			const { next_start } = await read(job);
			await wasPlanned(job, Date.parse(String(next_start)) - Date.now() + 1_000);
			await room(of).look();
			await expect.poll(async () => Date.parse(String((await read(job)).next_start))).toBeGreaterThan(Date.now());
		}
		const skips = async (job: Row) =>
			(
				await env.DB.prepare(
					"select actor_kind, project_id, metadata from audit_logs where action = 'job.skip' and object_type = 'Job' and object_id = ? order by id",
				)
					.bind(job.id)
					.all()
			).results;
		const pause = async (of: number, status: string) => {
			const path = `/api/projects/${String(of)}`;
			await admin.ok('PATCH', path, { status }, ifMatch(await admin.ok('GET', path)));
		};

		it('in a paused project, gets no second one: it stands for the times that come meanwhile, and they are written down', async () => {
			const mine = await project(admin);
			const [job, another] = [await planned(mine), await planned(mine)];
			await pause(mine, 'paused');
			for (let times = 0; times < 5; times++) await comes(job, mine);
			await comes(another, mine);
			const [run = {}, ...others] = await runsOf(job);
			expect(others).toEqual([]);
			expect(await runsOf(another)).toHaveLength(1);
			await becomes(Number(run.id), { status: 'queued', reason: expect.stringContaining('"project_paused"') });
			const skipped = await skips(job);
			expect(skipped).toHaveLength(4);
			expect(await skips(another)).toEqual([]);
			for (const { metadata, ...row } of skipped) {
				expect(row).toEqual({ actor_kind: 'system', project_id: mine });
				expect(JSON.parse(String(metadata))).toEqual({
					scheduled_for: expect.stringMatching(/^20.*Z$/),
					waits_for: run.id,
				});
			}

			// Open again, that one starts, and from then on each time has its own.
			const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([mine]) }));
			await pause(mine, 'active');
			const started = [(await agent.start(1)).run.run_id, (await agent.start(2)).run.run_id];
			expect(started).toContain(run.id);
			await becomes(Number(run.id), { status: 'running' });
			await comes(job, mine);
			expect(await runsOf(job)).toHaveLength(2);
			expect(await skips(job)).toHaveLength(4);
		});

		it('is written down once for each time, whoever notices', async () => {
			const mine = await project(admin);
			const job = await planned(mine);
			await pause(mine, 'paused');
			await comes(job, mine);
			await wasPlanned(job, Date.parse(String((await read(job)).next_start)) - Date.now() + 1_000);
			const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
			await Promise.all([startDue(ctx, mine), startDue(ctx, mine), room(mine).look()]);
			await expect.poll(async () => Date.parse(String((await read(job)).next_start))).toBeGreaterThan(Date.now());
			expect(await skips(job)).toHaveLength(1);
			expect(await runsOf(job)).toHaveLength(1);
		});

		it('is not held back by a run somebody asked for by hand, nor by one that says what was missed', async () => {
			const mine = await project(admin);
			const job = await planned(mine);
			await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
			await pause(mine, 'paused');
			await comes(job, mine);
			expect(await runsOf(job)).toHaveLength(2);
			const missed = await planned(mine);
			await wasPlanned(missed, 5 * DAY);
			await startDue(ctxFor({ kind: 'actor', actor: { kind: 'system' } }), mine);
			await comes(missed, mine);
			expect(await runsOf(missed)).toHaveLength(2);
			expect([...(await skips(job)), ...(await skips(missed))]).toEqual([]);
		});
	});

	it('asks for approval each time where that is asked, and is called off by hand only', async () => {
		const mine = await project(admin);
		const live = await admin.ok('POST', inP('environments', mine), { name: 'live', type: 'prod' });
		let job = await planned(mine, { environment_id: live.id });
		await wasPlanned(job, Date.parse(String(job.planned_start)) - Date.now() + 1_000);
		await room(mine).look();
		await expect.poll(() => runsOf(job), { timeout: 30_000 }).toHaveLength(1);
		expect((await runsOf(job))[0]).toMatchObject({ approvals_missing: 1, triggered_by_id: admin.id });
		const patch = async (fields: object) =>
			(job = await admin.ok('PATCH', `/api/jobs/${String(idOf(job))}`, fields, ifMatch(await read(job))));
		expect((await patch({ title: 'another name' })).next_start).not.toBeNull();
		expect((await patch({ status: 'canceled' })).next_start).toBeNull();
		expect((await patch({ description: 'x' })).next_start).toBeNull();
		expect((await patch({ status: 'planned' })).next_start).not.toBeNull();
		expect((await patch({ auto_start: false })).next_start).toBeNull();
		expect((await patch({ auto_start: true })).next_start).not.toBeNull();
		expect(await patch({ recurrence: null })).toMatchObject({ next_start: null, status: 'planned' });
	});
});
