import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate, Known, Lane } from '#domain/queue.ts';
import { Dispatcher, type Offered } from '#durable/core/dispatcher.ts';
import { newRun, type RunEvent, type RunState, step } from '#durable/core/run-machine.ts';
import { memoryStorage } from '#tests/support/sqlite.ts';

// A room, its runs' streams and one agent, with everything in between that may be late, lost or restarted.

const lane: Lane = {
	name: '',
	backend: 'local',
	labels: {},
	by_hub: false,
	only_agent: null,
	frozen: null,
	more: false,
};
const agent: Candidate = { id: 1, name: 'a', labels: {}, backends: ['local'], draining: false };
const finish = {
	outcome: 'success' as const,
	exit_code: 0,
	reason: null,
	started_at: null,
	exited_at: '2026-01-01T00:00:00.000Z',
	last_seq: 0,
	bytes: 0,
	sha256: '',
};

class World {
	/** What the streams know, and what of it is written down. */
	readonly streams: RunState[];
	readonly record: RunState['status'][];
	readonly keys: (string | null)[];
	/** Those that were asked for; a later one may come before an earlier one in the queue. */
	readonly there = new Set<number>();
	readonly capacity: number;
	readonly #storage = memoryStorage();
	room: Dispatcher<{ run: { id: number; not_before: null } }>;
	/** The answer to the next offer is lost on its way back. */
	deaf = false;

	constructor(keys: (string | null)[], capacity: number) {
		this.keys = keys;
		this.capacity = capacity;
		this.streams = keys.map(() => newRun);
		this.record = keys.map(() => 'queued');
		this.room = this.newRoom();
	}

	newRoom() {
		return new Dispatcher<{ run: { id: number; not_before: null } }>(this.#storage, {
			load: (known) => Promise.resolve(this.load(known)),
			dispatches: (ids) =>
				Promise.resolve(
					new Map(
						ids.filter((id) => this.record[id] === 'queued').map((id) => [id, { run: { id, not_before: null } }]),
					),
				),
			ended: () => Promise.resolve(false),
			offer: ({ run }) => this.offer(run.id),
			underWay: (id) => Promise.resolve(this.underWay(id)),
		});
	}

	load({ placed, keys }: Known) {
		const held = new Set(keys.map((k) => k.key));
		const ids = [...this.there].sort();
		return {
			project_status: 'active' as const,
			queued: ids.filter((id) => this.record[id] === 'queued' && !placed.has(id)).length,
			waiting: ids
				.filter((id) => this.record[id] === 'queued' && !placed.has(id) && !held.has(this.keys[id] ?? ''))
				.map((run_id) => ({
					run_id,
					lane,
					concurrency_key: this.keys[run_id] ?? null,
					not_before: null,
					reason: null,
				})),
			agents: [agent],
			holders: keys.map(({ run_id }) => ({ run_id, status: this.record[run_id] ?? 'lost' })),
			asked: new Map(),
		};
	}

	say(id: number, event: RunEvent) {
		this.streams[id] = step(this.streams[id] ?? newRun, event, 0).state;
	}

	underWay(id: number): boolean {
		const at = this.streams[id]?.step;
		return at !== 'queued' && at !== 'done';
	}

	offer(id: number): Promise<Offered> {
		if (this.streams[id]?.step !== 'queued') return Promise.resolve('gone');
		this.say(id, { type: 'offer', agent_id: 1 });
		const epoch = this.streams[id].epoch;
		const full = this.keys.filter((_, other) => other !== id && this.underWay(other)).length >= this.capacity;
		if (full) this.say(id, { type: 'not_sent', agent_id: 1, epoch });
		const lost = this.deaf;
		this.deaf = false;
		return lost ? Promise.reject(new Error('no answer')) : Promise.resolve(full ? 'full' : 'offered');
	}

	/** The agent takes it, ends it, or lets the offer pass. */
	goOn(id: number, how: 'accept' | 'start' | 'finish' | 'decline') {
		const { agent_id, epoch } = this.streams[id] ?? newRun;
		if (agent_id === null) return;
		const of = { agent_id, epoch };
		if (how === 'accept') this.say(id, { type: 'accept', needs_scripts: false, callback: null, ...of });
		if (how === 'start') this.say(id, { type: 'started', started_at: '2026-01-01T00:00:00.000Z', ...of });
		if (how === 'decline') this.say(id, { type: 'gone', agent_id });
		if (how !== 'finish') return;
		this.say(id, { type: 'finish', finish: { type: 'finish', run_id: id, ...of, ...finish }, ...of });
		this.say(id, { type: 'log_stored', whole: true });
	}

	async pass() {
		for (let more = true; more;) more = (await this.room.pass([]).catch(() => ({ again: false }))).again;
	}
}

describe('runs with one concurrency key', () => {
	const id = fc.nat(5);
	const op = fc.oneof(
		fc.record({ op: fc.constant('pass' as const) }),
		fc.record({ op: fc.constant('restart' as const) }),
		fc.record({ op: fc.constant('look' as const) }),
		fc.record({ op: fc.constant('deaf' as const) }),
		fc.record({ op: fc.constant('write' as const), id }),
		fc.record({ op: fc.constant('ask for' as const), id }),
		fc.record({ op: fc.constant('waits again' as const), id }),
		fc.record({ op: fc.constantFrom('accept' as const, 'start' as const, 'finish' as const, 'decline' as const), id }),
	);
	const keys = fc.array(fc.constantFrom('k', 'k', 'l', null), { minLength: 6, maxLength: 6 });

	it('never overlap, whatever is late, lost or restarted, and all of them come to their end', async () => {
		await fc.assert(
			fc.asyncProperty(
				keys,
				fc.integer({ min: 1, max: 4 }),
				fc.array(op, { maxLength: 60 }),
				async (keys, capacity, ops) => {
					const world = new World(keys, capacity);
					const alone = () => {
						for (const key of ['k', 'l'])
							expect(keys.filter((k, id) => k === key && world.underWay(id)).length).toBeLessThanOrEqual(1);
					};
					for (const one of ops) {
						if (one.op === 'pass') await world.pass();
						else if (one.op === 'restart') world.room = world.newRoom();
						else if (one.op === 'look') world.room.forgetAll();
						else if (one.op === 'deaf') world.deaf = true;
						else if (one.op === 'write') world.record[one.id] = world.streams[one.id]?.status ?? 'lost';
						else if (one.op === 'ask for') world.there.add(one.id);
						else if (one.op === 'waits again') world.room.forget(one.id);
						else world.goOn(one.id, one.op);
						alone();
					}
					for (const [id] of keys.entries()) world.there.add(id);
					for (let round = 0; round < 40 && world.record.some((s) => s !== 'success'); round++) {
						world.room.forgetAll();
						await world.pass();
						alone();
						for (const [id] of keys.entries()) {
							for (const how of ['accept', 'start', 'finish'] as const) world.goOn(id, how);
							world.record[id] = world.streams[id]?.status ?? 'lost';
						}
					}
					expect(world.record).toEqual(keys.map(() => 'success'));
				},
			),
			{ numRuns: 500 },
		);
	});
});
