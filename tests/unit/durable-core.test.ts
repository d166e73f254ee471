import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutionBackend } from '#domain/backend.ts';
import type { Candidate, Lane, Queue, Queued } from '#domain/queue.ts';
import { Changes, CHANGES_KEPT } from '#durable/core/changes.ts';
import { Keyed } from '#durable/core/keyed.ts';
import { backoff, Outbox } from '#durable/core/outbox.ts';
import { fitting, hub, reasonsOf, waitingReason } from '#durable/core/queue.ts';
import { Keys } from '#durable/core/keys.ts';
import { Slots } from '#durable/core/slots.ts';
import { Timers } from '#durable/core/timers.ts';
import { TokenBucket } from '#durable/core/token-bucket.ts';
import { Unacked } from '#durable/core/unacked.ts';
import { CHUNK_HEADER, FRAME_HEADER, UNACKED_MAX } from '#protocol/run-frames.ts';
import { memoryStorage } from '#tests/support/sqlite.ts';

describe('timers', () => {
	const op = fc.record({ name: fc.constantFrom('a', 'b', 'c'), at: fc.option(fc.integer({ min: 0, max: 50 })) });

	it('ring each name once at its latest moment, earliest first, and outlive the object', () => {
		fc.assert(
			fc.property(fc.array(op), fc.integer({ min: 0, max: 60 }), (ops, now) => {
				const storage = memoryStorage();
				const timers = new Timers(storage);
				const model = new Map<string, number>();
				for (const { name, at } of ops) {
					timers.set(name, at);
					if (at === null) model.delete(name);
					else model.set(name, at);
				}
				const again = new Timers(storage);
				expect(again.next()).toBe(model.size === 0 ? null : Math.min(...model.values()));
				const taken = again.take(now);
				expect(new Set(taken)).toEqual(new Set([...model].filter(([, at]) => at <= now).map(([name]) => name)));
				const moments = taken.map((name) => model.get(name) ?? 0);
				expect(moments).toEqual([...moments].sort((a, b) => a - b));
				expect(new Timers(storage).take(now)).toEqual([]);
			}),
		);
	});
});

describe('the outbox', () => {
	it('numbers entries for ever and keeps them in order until they are done', () => {
		const storage = memoryStorage();
		const outbox = new Outbox<string | null>(storage);
		for (const entry of ['a', null, 'c']) outbox.put(entry);
		expect(outbox.pending()).toEqual([
			{ seq: 1, entry: 'a' },
			{ seq: 2, entry: null },
			{ seq: 3, entry: 'c' },
		]);
		outbox.done(2);
		outbox.done(3);
		const again = new Outbox<string | null>(storage);
		again.put('d');
		expect(again.pending()).toEqual([{ seq: 4, entry: 'd' }]);
	});

	it('waits longer after each failure, up to half a minute', () => {
		expect([1, 2, 3].map(backoff)).toEqual([200, 400, 800]);
		expect(backoff(100)).toBe(30_000);
	});
});

it('keyed values are what was put last, also for the next object', () => {
	const storage = memoryStorage();
	const values = new Keyed<{ a: number; b: { c: string[] } }>(storage);
	expect(values.get('a')).toBeNull();
	values.put('a', 1);
	values.put('a', 2);
	values.put('b', { c: ['x'] });
	const again = new Keyed<{ a: number; b: { c: string[] } }>(storage);
	expect([again.get('a'), again.get('b')]).toEqual([2, { c: ['x'] }]);
});

describe('changes', () => {
	const change = (id: number) => ({ entity: 'job' as const, id, row: { id, title: `job ${String(id)}` } });

	it('brings whoever was away up to date, or says that it was too long', () => {
		const storage = memoryStorage();
		const changes = new Changes(storage);
		expect(changes.since(0)).toEqual([]);
		for (let i = 1; i <= 2.5 * CHANGES_KEPT; i++) changes.add([change(i)], i);
		const again = new Changes(storage);
		const { seq } = again;
		expect(seq).toBe(2.5 * CHANGES_KEPT);
		expect(again.since(seq)).toEqual([]);
		expect(again.since(seq - 3)?.map((c) => c.id)).toEqual([seq - 2, seq - 1, seq]);
		expect(again.since(seq - CHANGES_KEPT)).toHaveLength(CHANGES_KEPT);
		expect(again.since(seq - CHANGES_KEPT - 1)).toBeNull();
		// A cursor of another time, after this room's storage was lost.
		expect(again.since(seq + 1)).toBeNull();
		const [{ kept } = { kept: 0 }] = storage.sql.exec<{ kept: number }>('select count(*) kept from changes').toArray();
		expect(kept).toBeLessThanOrEqual(1.5 * CHANGES_KEPT);
	});

	it('brings a page up to date with what it loaded a while ago, or says that it cannot', () => {
		const storage = memoryStorage();
		// As it was before changes had a time.
		storage.sql.exec(
			'create table changes (seq integer primary key autoincrement, entity text not null, row_id integer not null, body text not null)',
		);
		storage.sql.exec("insert into changes (entity, row_id, body) values ('job', 1, 'null')");
		const changes = new Changes(storage);
		expect(changes.sinceLoaded(0, 1_000_000)).toEqual([]);
		changes.add([change(2)], 1_000_000);
		changes.add([change(3)], 1_010_000);
		const told = (age: number, now: number) => new Changes(storage).sinceLoaded(age, now)?.map((c) => c.id) ?? null;
		expect(told(0, 1_100_000)).toEqual([]);
		// A little more than its age: nothing it may have missed is left out.
		expect(told(90_000, 1_100_000)).toEqual([3]);
		expect(told(99_000, 1_100_000)).toEqual([2, 3]);
		expect(told(600_000, 1_100_000)).toEqual([2, 3]);
		for (let i = 4; i <= 101; i++) changes.add([change(i)], 1_100_000);
		expect(told(101_000, 1_100_000)).toHaveLength(100);
		changes.add([change(102)], 1_100_000);
		expect(told(101_000, 1_100_000)).toBeNull();
		// Where not all of that time is kept, nobody can say.
		for (let i = 0; i < 2 * CHANGES_KEPT; i++) changes.add([change(i)], 1_200_000);
		expect(told(101_000, 1_200_000)).toBeNull();
	});
});

describe('the queue', () => {
	const agent = (id: number, labels: Record<string, string> = {}, more: Partial<Candidate> = {}): Candidate => ({
		id,
		name: `agent-${String(id)}`,
		labels,
		backends: ['local'],
		draining: false,
		...more,
	});
	const lane = (name: string, more: Partial<Lane> = {}): Lane => ({
		name,
		backend: 'local',
		labels: {},
		by_hub: false,
		only_agent: null,
		frozen: null,
		more: false,
		...more,
	});

	it('offers only to agents with every label and the backend', () => {
		const agents = [agent(1), agent(2, { gpu: 'yes' }), agent(3, { gpu: 'yes', site: 'a' }, { backends: ['docker'] })];
		const fit = (
			labels: Record<string, string>,
			backend: ExecutionBackend = 'local',
			only_agent: number | null = null,
		) => fitting(agents, { labels, backend, by_hub: false, only_agent }).map((a) => a.id);
		expect(fit({})).toEqual([1, 2]);
		expect(fit({ gpu: 'yes' })).toEqual([2]);
		expect(fit({ gpu: 'no' })).toEqual([]);
		expect(fit({ gpu: 'yes', site: 'a' }, 'docker')).toEqual([3]);
		expect(fit({}, 'local', 2)).toEqual([2]);
		expect(fit({}, 'local', 3)).toEqual([]);
		// What the hub itself carries out needs no agent, and none of their labels.
		expect(fitting([], { labels: { gpu: 'yes' }, backend: 'webhook', by_hub: true, only_agent: null })).toEqual([hub]);
	});

	it('says why a run waits for an agent', () => {
		const gpu = lane('gpu', { labels: { gpu: 'yes' } });
		expect(waitingReason(gpu, [], 3)).toEqual({
			code: 'no_agent',
			message: 'No agent is online that can run local and has gpu=yes.',
		});
		expect(waitingReason(gpu, [agent(1)], 0)).toEqual({ code: 'agents_busy', message: 'Full: agent-1.' });
		expect(
			waitingReason(
				gpu,
				[1, 2, 3, 4].map((n) => agent(n)),
				2,
			),
		).toEqual({
			code: 'behind_others',
			message: '2 ahead; full: agent-1, agent-2, agent-3 and 1 more.',
		});
		expect(waitingReason(gpu, [agent(1)], 21)).toEqual(waitingReason(gpu, [agent(1)], 400));
		const drained = agent(5, {}, { draining: true });
		expect(waitingReason(gpu, [drained], 4)).toEqual({
			code: 'agents_draining',
			message: 'Taking nothing new: agent-5.',
		});
		expect(waitingReason(gpu, [drained, agent(1)], 0)).toEqual({ code: 'agents_busy', message: 'Full: agent-1.' });
	});

	const now = Date.parse('2026-01-01T00:00:00Z');
	const reasons = (waiting: Partial<Queued>[], more: Partial<Queue> = {}, holder: number | null = null) =>
		reasonsOf(
			{
				project_status: 'active',
				queued: waiting.length,
				agents: [agent(1)],
				holders: [],
				...more,
				waiting: waiting.map((run, i) => ({
					run_id: i + 1,
					lane: lane(''),
					concurrency_key: null,
					not_before: null,
					reason: null,
					...run,
				})),
			},
			() => holder,
			now,
		).map(({ reason }) => reason);

	it('says of each why it waits, and counts before it only what is in its way', () => {
		const gpu = lane('gpu', { labels: { gpu: 'yes' } });
		const shut = lane('shut', { frozen: { until: '2026-01-02T00:00:00Z', why: 'New year' } });
		const said = reasons(
			[
				{ lane: gpu },
				{ lane: shut },
				{ not_before: '2026-01-01T00:01:00.000Z' },
				{ concurrency_key: 'deploy' },
				{},
				{ not_before: '2025-12-31T23:59:00.000Z' },
				{},
			],
			{ agents: [agent(1), agent(2)] },
			70,
		);
		expect(said).toEqual([
			{ code: 'no_agent', message: 'No agent is online that can run local and has gpu=yes.' },
			{ code: 'frozen', message: 'Frozen until 2026-01-02T00:00:00Z: New year' },
			{ code: 'later', message: 'This attempt waits until 2026-01-01T00:01:00.000Z.' },
			{ code: 'same_key', message: 'Waits for run 70, which has the same key: deploy' },
			{ code: 'agents_busy', message: 'Full: agent-1, agent-2.' },
			{ code: 'behind_others', message: '1 ahead; full: agent-1, agent-2.' },
			{ code: 'behind_others', message: '2 ahead; full: agent-1, agent-2.' },
		]);
	});

	it('counts those of another lane where an agent could take both', () => {
		const gpu = lane('gpu', { labels: { gpu: 'yes' } });
		const agents = [agent(1, { gpu: 'yes' }), agent(2)];
		expect(reasons([{ lane: gpu }, {}, { lane: gpu }], { agents }).map((r) => r.message)).toEqual([
			'Full: agent-1.',
			'1 ahead; full: agent-1, agent-2.',
			'2 ahead; full: agent-1.',
		]);
	});

	it('says that a paused project starts nothing, whatever else there is', () => {
		expect(reasons([{ concurrency_key: 'k' }], { project_status: 'paused' }, 9)).toMatchObject([
			{ code: 'project_paused' },
		]);
	});

	it('a run that holds its key, and waits again, waits for no other run', () => {
		expect(reasons([{ concurrency_key: 'k' }], {}, 1)).toMatchObject([{ code: 'agents_busy' }]);
	});
});

describe('slots', () => {
	it('never hold more than there is room for, and outlive the object', () => {
		const op = fc.record({
			hold: fc.boolean(),
			run_id: fc.integer({ min: 1, max: 6 }),
			epoch: fc.integer({ min: 1, max: 3 }),
		});
		fc.assert(
			fc.property(fc.array(op), fc.integer({ min: 1, max: 4 }), (ops, capacity) => {
				const storage = memoryStorage();
				const slots = new Slots(storage);
				const model = new Map<number, number>();
				for (const { hold, run_id, epoch } of ops) {
					if (hold) {
						const run = { run_id, project_id: 9 };
						expect(slots.room(run, capacity)).toBe(model.has(run_id) || model.size < capacity);
						if (!slots.room(run, capacity)) continue;
						slots.hold({ run_id, epoch, project_id: 9, desired: 'run' });
						model.set(run_id, epoch);
					} else {
						// An older epoch frees nothing.
						expect(slots.free(run_id, epoch)).toBe(model.get(run_id) === epoch);
						if (model.get(run_id) === epoch) model.delete(run_id);
					}
					expect(slots.held.length).toBeLessThanOrEqual(capacity);
				}
				const again = new Slots(storage);
				expect(new Map(again.held.map((s) => [s.run_id, s.epoch]))).toEqual(model);
			}),
		);
	});

	const slot = (run_id: number, project_id: number) => ({ run_id, project_id, epoch: 1, desired: 'run' as const });

	it('go round among the projects that wait, and what is free is kept for those in front', () => {
		const storage = memoryStorage();
		const slots = new Slots(storage);
		slots.hold(slot(1, 3));
		for (const project of [3, 5, 3]) slots.wait(project);
		expect(slots.next(1)).toEqual([]);
		slots.free(1, 1);
		expect(slots.next(1).map((w) => w.project_id)).toEqual([3]);
		expect(slots.room({ run_id: 2, project_id: 5 }, 1)).toBe(false);
		expect(slots.room({ run_id: 2, project_id: 7 }, 2)).toBe(false);
		expect(slots.room({ run_id: 2, project_id: 3 }, 1)).toBe(true);
		slots.hold(slot(2, 3));
		slots.wait(3);
		slots.free(2, 1);
		const [turn] = new Slots(storage).next(1);
		expect(turn?.project_id).toBe(5);
		// It took none: the next one's turn.
		if (turn) slots.had(turn);
		expect(slots.next(1).map((w) => w.project_id)).toEqual([3]);
	});

	it('are shared evenly by projects that all have more to do than there is room', () => {
		fc.assert(
			fc.property(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 4 }), (projects, capacity) => {
				const slots = new Slots(memoryStorage());
				const given = new Map<number, number>();
				let run_id = 0;
				const ask = (project_id: number) => {
					while (slots.room({ run_id: run_id + 1, project_id }, capacity)) {
						slots.hold(slot(++run_id, project_id));
						given.set(project_id, (given.get(project_id) ?? 0) + 1);
					}
					slots.wait(project_id);
				};
				for (let project = 1; project <= projects; project++) ask(project);
				given.clear();
				for (let ended = 0; ended < 20 * projects; ended++) {
					const [first] = slots.held;
					if (first) slots.free(first.run_id, 1);
					for (const turn of slots.next(capacity)) {
						ask(turn.project_id);
						slots.had(turn);
					}
				}
				for (let project = 1; project <= projects; project++)
					expect(Math.abs((given.get(project) ?? 0) - 20)).toBeLessThanOrEqual(1);
			}),
			{ numRuns: 20 },
		);
	});
});

it('a concurrency key is held by one run, also for the next object', () => {
	const storage = memoryStorage();
	const keys = new Keys(storage);
	expect(keys.take('a', 1)).toBe(true);
	expect(keys.take('a', 1)).toBe(true);
	expect(keys.take('a', 2)).toBe(false);
	expect(keys.take('b', 2)).toBe(true);
	const again = new Keys(storage);
	expect(again.held).toEqual([
		{ key: 'a', run_id: 1 },
		{ key: 'b', run_id: 2 },
	]);
	again.free(1);
	expect([again.holder('a'), again.take('a', 2)]).toEqual([null, true]);
});

describe('what is unacknowledged', () => {
	const add = (to: Unacked<string>, seq: number, size: number) =>
		to.addChunk(seq, new Uint8Array(CHUNK_HEADER + FRAME_HEADER + size), `chunk ${String(seq)}`);

	it('48: is bounded by bytes, and by number', () => {
		const bytes = new Unacked<string>();
		const quarter = UNACKED_MAX / 4;
		expect([1, 2, 3, 4].map((seq) => add(bytes, seq, quarter))).toEqual([true, true, true, true]);
		expect(add(bytes, 5, 1)).toBe(false);
		const tiny = new Unacked<string>();
		expect(Array.from({ length: 5000 }, (_, i) => add(tiny, i + 1, 1)).lastIndexOf(true)).toBeLessThan(4096);
		const words = new Unacked<string>();
		expect(Array.from({ length: 5000 }, () => words.add('a word')).lastIndexOf(true)).toBeLessThan(4096);
	});

	it('a repeated chunk counts once, and an acknowledgement makes room', () => {
		const unacked = new Unacked<string>();
		for (let i = 0; i < 10; i++) expect(add(unacked, 1, UNACKED_MAX)).toBe(true);
		unacked.take();
		unacked.passed(1);
		expect(add(unacked, 2, UNACKED_MAX)).toBe(true);
	});

	it('is passed on at once when idle, gathers while some is under way, and keeps its order', () => {
		const unacked = new Unacked<string>();
		add(unacked, 1, 1);
		expect(unacked.take()).toEqual(['chunk 1']);
		add(unacked, 2, 1);
		unacked.add('the end');
		expect(unacked.take()).toEqual([]);
		unacked.passed(1);
		expect(unacked.take()).toEqual(['chunk 2', 'the end']);
		unacked.passed(2);
		expect(unacked.take()).toEqual([]);
		unacked.add('one more');
		expect(unacked.take()).toEqual(['one more']);
	});

	it('gathers half a window while a flood lasts, and nothing after it', () => {
		const unacked = new Unacked<string>();
		const part = UNACKED_MAX / 8;
		add(unacked, 1, part);
		expect(unacked.gathers).toBe(false);
		unacked.take();
		add(unacked, 2, part);
		expect(unacked.gathers).toBe(true);
		unacked.passed(1);
		for (const seq of [3, 4, 5]) {
			expect(unacked.gathers).toBe(true);
			add(unacked, seq, part);
		}
		expect(unacked.gathers).toBe(false);
		expect(unacked.take()).toHaveLength(4);
		unacked.passed(5);
		// Nothing came in time: the flood is over, and a line goes at once.
		expect(unacked.gathers).toBe(true);
		expect(unacked.take()).toEqual([]);
		add(unacked, 6, 1);
		expect(unacked.gathers).toBe(false);
		unacked.take();
		add(unacked, 7, part);
		expect(unacked.gathers).toBe(false);
	});
});

it('31: a token bucket lets a burst through, then so many a second', () => {
	const bucket = new TokenBucket(5, 10, 0);
	const take = (now: number, n: number) => Array.from({ length: n }, () => bucket.take(now)).filter(Boolean).length;
	expect(take(0, 20)).toBe(5);
	expect(take(100, 20)).toBe(1);
	expect(take(1000, 20)).toBe(5);
	// A clock that is set back gives nothing away, and nothing breaks.
	expect(take(500, 5)).toBe(0);
});
