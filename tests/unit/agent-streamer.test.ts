import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStreamer } from '#agent/log-streamer.ts';
import type { Told } from '#agent/journal.ts';
import { Forms } from '#agent/mask.ts';
import { pack, unpack } from '#agent/packing.ts';
import { Sender } from '#agent/sender.ts';
import { Budget, Spool } from '#agent/spool.ts';
import {
	type Chunk,
	decodeChunk,
	decodeFrame,
	encodeChunk,
	encodeFrame,
	type Frame,
	Kind,
	PACKED_MIN,
	PAYLOAD_MAX,
	Stream,
	UNACKED_MAX,
	weightOf,
} from '#protocol/run-frames.ts';

const MIB = 1_048_576;
let base: string;
const spools: Spool[] = [];
beforeEach(() => {
	base = mkdtempSync(path.join(os.tmpdir(), 'uhub-streamer-'));
});
afterEach(async () => {
	for (const spool of spools.splice(0)) await spool.close();
	rmSync(base, { recursive: true, force: true });
});

interface Made {
	spool: Spool;
	budget: Budget;
	streamer: LogStreamer;
	spooled: Chunk[];
	broken: unknown[];
}

async function make(
	over: {
		secrets?: string[];
		whenFull?: 'block' | 'gap';
		limit?: number;
		left?: Spool;
		known?: Told;
		packs?: boolean;
	} = {},
): Promise<Made> {
	const budget = new Budget(over.limit ?? 256 * MIB);
	const spool = over.left ?? (await Spool.create(path.join(base, '1-1'), budget));
	spools.push(spool);
	const spooled: Chunk[] = [];
	const broken: unknown[] = [];
	const streamer = new LogStreamer({
		run_id: 1,
		epoch: 1,
		spool,
		forms: new Forms((over.secrets ?? []).map((s) => Buffer.from(s))),
		...(over.known && { known: over.known }),
		whenFull: over.whenFull ?? 'block',
		now: () => 1_000,
		packs: () => over.packs ?? false,
		onWritten: (chunks) => spooled.push(...chunks),
		onBroken: (error) => broken.push(error),
	});
	return { spool, budget, streamer, spooled, broken };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
async function until(condition: () => boolean): Promise<void> {
	const end = Date.now() + 4000;
	while (!condition() && Date.now() < end) await turn();
}

const framesOf = (chunks: readonly Chunk[]): Frame[] => chunks.map((c) => decodeFrame(unpack(c.frame)));
const logOf = (chunks: readonly Chunk[], stream?: Stream): Buffer =>
	Buffer.concat(
		framesOf(chunks).flatMap((f) =>
			f.kind === Kind.log && (stream === undefined || f.stream === stream) ? [f.payload] : [],
		),
	);

describe('a log on its way to the spool', () => {
	it('arrives whole, in order, numbered without a hole, whatever the pieces', async () => {
		const piece = fc.record({
			stream: fc.constantFrom(Stream.stdout, Stream.stderr),
			size: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 3 * PAYLOAD_MAX })),
			wait: fc.boolean(),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.boolean(), async (pieces, packs) => {
				const { streamer, spooled, spool } = await make({ packs });
				const written: Record<number, Buffer[]> = { [Stream.stdout]: [], [Stream.stderr]: [] };
				for (const [n, { stream, size, wait }] of pieces.entries()) {
					const bytes = Buffer.alloc(size, n);
					written[stream]?.push(bytes);
					const enough = streamer.write(stream, bytes);
					if (enough) await enough;
					else if (wait) await new Promise(setImmediate);
				}
				await streamer.end();
				let offset = 0;
				for (const [n, frame] of framesOf(spooled).entries()) {
					expect(spooled[n]?.seq).toBe(n + 1);
					expect(frame.offset).toBe(offset);
					expect(frame.payload.length).toBeGreaterThan(0);
					expect(frame.payload.length).toBeLessThanOrEqual(PAYLOAD_MAX);
					offset += frame.payload.length;
				}
				for (const stream of [Stream.stdout, Stream.stderr])
					expect(logOf(spooled, stream).equals(Buffer.concat(written[stream] ?? []))).toBe(true);
				expect([spool.last_seq, spool.bytes]).toEqual([spooled.length, offset]);
				expect(spool.sha256()).toBe(createHash('sha256').update(logOf(spooled)).digest('hex'));
				for (const [n, { frame }] of spooled.entries())
					expect(frame[0] === Kind.packed).toBe(packs && (framesOf(spooled)[n]?.payload.length ?? 0) >= PACKED_MIN);
				await spool.remove();
			}),
			{ numRuns: 25 },
		);
	});

	it('is handed on once it is written, while the disk is still busy; its end waits for the disk', async () => {
		const { streamer, spool, spooled } = await make();
		let synced: () => void = () => undefined;
		const disk = new Promise<void>((resolve) => (synced = resolve));
		const sync = spool.sync.bind(spool);
		spool.sync = () => disk.then(sync);
		void streamer.write(Stream.stdout, Buffer.from('a line\n'));
		await until(() => spooled.length > 0);
		expect(logOf(spooled).toString()).toBe('a line\n');
		let over = false;
		const end = streamer.end().then(() => (over = true));
		for (let i = 0; i < 20; i++) await turn();
		expect(over).toBe(false);
		synced();
		await end;
	});

	it('what is said beside it goes along with the output that follows, and does not hold it up', async () => {
		const { streamer, spool, spooled } = await make();
		let batches = 0;
		const sync = spool.sync.bind(spool);
		spool.sync = () => (batches++, sync());
		streamer.record({ type: 'step_started', n: 1, host: null, name: 'say', tool: 'shell' });
		void streamer.write(Stream.stdout, Buffer.from('a line\n'));
		await until(() => batches > 0);
		expect(framesOf(spooled).map(({ kind }) => kind)).toEqual([Kind.record, Kind.log]);
		await streamer.end();
	});

	it('is broken for good when the disk does not keep what was handed on', async () => {
		const { streamer, spool, spooled, broken } = await make();
		spool.sync = () => Promise.reject(new Error('EIO'));
		void streamer.write(Stream.stdout, Buffer.from('a line\n'));
		await until(() => broken.length > 0);
		void streamer.write(Stream.stdout, Buffer.from('another\n'));
		await streamer.end();
		expect([logOf(spooled).toString(), broken.length]).toEqual(['a line\n', 1]);
	});

	it('what packing does not make smaller is not packed', async () => {
		const { streamer, spooled } = await make({ packs: true });
		await streamer.write(Stream.stdout, randomBytes(PAYLOAD_MAX));
		await streamer.write(Stream.stderr, Buffer.alloc(PAYLOAD_MAX, 'text'));
		await streamer.end();
		expect(spooled.map(({ frame }) => frame[0])).toEqual([Kind.log, Kind.packed]);
		expect(spooled[1]?.frame.length).toBeLessThan(1000);
	});

	it('what packing makes but a little smaller, or larger, is something a hub takes all the same', async () => {
		const noise = randomBytes(PACKED_MIN);
		const kinds = new Set<number | undefined>();
		for (let zeros = 0; zeros < 120; zeros++) {
			const payload = Buffer.concat([noise.subarray(10 * zeros), Buffer.alloc(10 * zeros)]);
			const plain = encodeFrame({ kind: Kind.log, stream: Stream.stdout, offset: 0, t_ms: 1, payload });
			const frame = await pack(plain);
			const chunk = encodeChunk({ run_id: 1, epoch: 1, seq: 1, sha256: new Uint8Array(32), frame });
			expect(Buffer.from(unpack(decodeChunk(chunk).frame)).equals(plain), String(zeros)).toBe(true);
			kinds.add(frame[0]);
		}
		expect([...kinds].sort()).toEqual([Kind.log, Kind.packed]);
	});

	it('many small lines become few chunks', async () => {
		const { streamer, spooled } = await make();
		for (let n = 0; n < 20_000; n++) await streamer.write(Stream.stdout, Buffer.from(`line ${String(n)}\n`));
		await streamer.end();
		expect(spooled.length).toBeLessThan(40);
		expect(logOf(spooled).toString().split('\n').length).toBe(20_001);
	});

	it('46: what a masker still holds comes at the end, and a secret cut between two writes does not', async () => {
		const { streamer, spooled } = await make({ secrets: ['correct horse'] });
		void streamer.write(Stream.stdout, Buffer.from('it is correct'));
		void streamer.write(Stream.stderr, Buffer.from('correct'));
		void streamer.write(Stream.stdout, Buffer.from(' horse\n'));
		streamer.note(Stream.stderr, 'the step named correct horse');
		await streamer.end();
		expect(logOf(spooled, Stream.stdout).toString()).toBe('it is ***\n');
		const stderr = logOf(spooled, Stream.stderr).toString();
		expect(stderr).toContain('correct');
		expect(stderr).toContain('the step named ***\n');
		expect(stderr).not.toContain('horse');
	});

	it('a note stands on a line of its own', async () => {
		const { streamer, spooled } = await make();
		void streamer.write(Stream.stdout, Buffer.from('no end'));
		streamer.note(Stream.stderr, 'note');
		streamer.note(Stream.stderr, 'another');
		await streamer.end();
		expect(logOf(spooled).toString()).toBe('no end\nnote\nanother\n');
	});
});

describe('no room', () => {
	const part = Buffer.alloc(MIB / 4, 'x');
	/** Writes until the streamer says that it is enough. */
	async function fill(streamer: LogStreamer, count: (size: number) => void): Promise<void> {
		for (;;) {
			count(part.length);
			const enough = streamer.write(Stream.stdout, part);
			if (enough) return enough;
		}
	}

	it('block: the pipe is left unread while the spool is full, and nothing is lost', async () => {
		const { streamer, spooled, spool, budget } = await make({ limit: 20 * MIB });
		let readOn = true;
		let enough = Promise.resolve();
		let written = 0;
		while (readOn) {
			readOn = false;
			enough = fill(streamer, (size) => (written += size)).then(() => {
				readOn = true;
			});
			await until(() => readOn || (!budget.makeRoom(MIB) && spool.bytes < written));
		}
		expect(spool.bytes).toBeLessThan(written);
		spool.ack(spool.last_seq);
		await enough;
		await streamer.end();
		expect(framesOf(spooled).every((f) => f.kind === Kind.log)).toBe(true);
		expect(logOf(spooled).length).toBe(written);
	});

	it('gap: what does not fit is dropped, counted to the byte, and said in its place', async () => {
		const { streamer, spooled, spool } = await make({ limit: 20 * MIB, whenFull: 'gap' });
		let written = 0;
		for (let n = 0; n < 120; n++) {
			written += part.length;
			await streamer.write(Stream.stdout, part);
		}
		spool.ack(spool.last_seq);
		void streamer.write(Stream.stdout, Buffer.from('after'));
		await streamer.end();
		const gaps = framesOf(spooled).filter((f) => f.kind === Kind.gap);
		const dropped = gaps.map(
			(f) => JSON.parse(Buffer.from(f.payload).toString()) as { dropped: number; reason: string },
		);
		expect(dropped.length).toBeGreaterThan(0);
		expect(dropped[0]?.reason).toBe('spool_full');
		expect(logOf(spooled).length + dropped.reduce((sum, g) => sum + g.dropped, 0)).toBe(written + 5);
		expect(logOf(spooled).subarray(-5).toString()).toBe('after');
		expect(spool.bytes).toBe(logOf(spooled).length);
	});

	it('a spool that breaks is told of, and the end still comes', async () => {
		const { streamer, spool, broken } = await make();
		await spool.remove();
		rmSync(base, { recursive: true, force: true });
		void streamer.write(Stream.stdout, Buffer.from('x'));
		await streamer.end();
		expect(broken.length).toBe(1);
	});
});

describe('a sender', () => {
	/** A hub that takes chunks, may be cut at any time, and acknowledges when told. */
	class Hub {
		readonly got: Chunk[] = [];
		finishes = 0;
		unacked = 0;
		most = 0;
		acked = 0;
		readonly sender: Sender;
		readonly errors: unknown[] = [];

		/** `packs`: it takes packed chunks. */
		constructor(spool: Spool, packs = true) {
			this.sender = new Sender(spool, {
				packs: () => packs,
				chunk: (bytes) => {
					const chunk = decodeChunk(bytes);
					this.unacked += weightOf(chunk.frame);
					this.most = Math.max(this.most, this.unacked);
					if (chunk.seq === this.got.length + 1) this.got.push(chunk);
				},
				finish: () => this.finishes++,
				onError: (error) => this.errors.push(error),
			});
		}

		ack(): void {
			this.acked = this.got.length;
			this.unacked = 0;
			this.sender.ack(this.acked);
		}

		resume(): void {
			this.unacked = 0;
			this.sender.resume(this.got.length + 1);
		}

		cut(): void {
			this.sender.pause();
			this.unacked = 0;
		}
	}

	it('sends everything once and in order, over any cuts and acknowledgements, never more than 1 MiB ahead, then the finish', async () => {
		const act = fc.constantFrom('write', 'write', 'big', 'ack', 'ack', 'cut', 'resume', 'turn');
		await fc.assert(
			fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 60 }), fc.boolean(), async (acts, packs) => {
				const { streamer, spool, spooled } = await make({ packs });
				const hub = new Hub(spool);
				let sent = 0;
				hub.sender.resume(1);
				const added = () => {
					hub.sender.add(spooled.slice(sent));
					sent = spooled.length;
				};
				for (const [n, what] of acts.entries()) {
					if (what === 'write') void streamer.write(Stream.stdout, Buffer.alloc(3000, n));
					if (what === 'big') await streamer.write(Stream.stdout, Buffer.alloc(PAYLOAD_MAX, n));
					if (what === 'ack') hub.ack();
					if (what === 'cut') hub.cut();
					if (what === 'resume') hub.resume();
					await turn();
					added();
				}
				await streamer.end();
				added();
				hub.sender.finish();
				hub.cut();
				hub.resume();
				await until(() => {
					hub.ack();
					return hub.finishes > 0;
				});
				hub.cut();
				expect(hub.errors).toEqual([]);
				expect(hub.got.map((c) => c.seq)).toEqual(spooled.map((c) => c.seq));
				expect(logOf(hub.got).equals(logOf(spooled))).toBe(true);
				expect(hub.most).toBeLessThanOrEqual(UNACKED_MAX);
				expect(hub.finishes).toBe(1);
				await spool.remove();
			}),
			{ numRuns: 40 },
		);
	});

	it('gives a hub that knows no packed chunks what they hold, with the hashes of that', async () => {
		const { streamer, spool, spooled } = await make({ packs: true });
		for (let n = 0; n < 20; n++) await streamer.write(Stream.stdout, Buffer.alloc(PAYLOAD_MAX, `${String(n)} `));
		await streamer.end();
		expect(spooled.some(({ frame }) => frame[0] === Kind.packed)).toBe(true);
		const hub = new Hub(spool, false);
		hub.sender.finish();
		hub.resume();
		await until(() => {
			hub.ack();
			return hub.finishes === 1;
		});
		expect(hub.errors).toEqual([]);
		expect(hub.most).toBeLessThanOrEqual(UNACKED_MAX);
		const plain = (chunks: readonly Chunk[]) => chunks.map(({ frame }) => Buffer.from(unpack(frame)));
		expect(hub.got.map(({ frame }) => Buffer.from(frame))).toEqual(plain(spooled));
		for (const { frame, sha256 } of hub.got)
			expect(createHash('sha256').update(frame).digest().equals(sha256)).toBe(true);
	});

	it('that cannot read its spool back says so, sends what it can, and the finish all the same', async () => {
		const { streamer, spool, spooled } = await make();
		for (let n = 0; n < 3; n++) {
			await streamer.write(Stream.stdout, Buffer.alloc(PAYLOAD_MAX, n));
			await until(() => spooled.length > n);
		}
		await streamer.end();
		const [file] = readdirSync(path.join(base, '1-1'));
		truncateSync(path.join(base, '1-1', file ?? ''), PAYLOAD_MAX + 1000);
		const hub = new Hub(spool);
		hub.sender.finish();
		hub.resume();
		await until(() => hub.finishes === 1);
		expect([hub.got.length, hub.errors.length]).toEqual([1, 1]);
		// Asked for the rest again it tries, and no harm is done.
		hub.resume();
		await until(() => hub.finishes === 2);
		expect(hub.got.length).toBe(1);
	});

	it('says the finish again after each reconnect, and only after the last chunk', async () => {
		const { streamer, spool, spooled } = await make();
		const hub = new Hub(spool);
		void streamer.write(Stream.stdout, Buffer.from('x'));
		await streamer.end();
		hub.sender.finish();
		await turn();
		expect([hub.got.length, hub.finishes]).toEqual([0, 0]);
		for (const times of [1, 2]) {
			hub.resume();
			await until(() => hub.finishes >= times);
			expect([hub.got.length, hub.finishes]).toEqual([spooled.length, times]);
			hub.cut();
		}
	});
});

describe('a log that is told again after the agent died', () => {
	it('goes on where the spool ends, wherever that was, and is as if nothing had been', async () => {
		const said = fc.array(
			fc.tuple(fc.constantFrom(Stream.stdout, Stream.stderr), fc.constantFrom('a line\n', 'the sec', 'ret-7 is', ' x')),
			{ minLength: 1, maxLength: 12 },
		);
		const secrets = ['secret-7'];
		await fc.assert(
			fc.asyncProperty(said, fc.nat(12), async (all, until) => {
				const tell = (streamer: LogStreamer, some: typeof all) => {
					for (const [stream, text] of some) void streamer.write(stream, Buffer.from(text));
				};
				const before = await make({ secrets });
				tell(before.streamer, all.slice(0, until));
				// Killed: what it had written until then is there, what its maskers held is not.
				await turn();
				cpSync(path.join(base, '1-1'), path.join(base, 'left'), { recursive: true });
				await before.streamer.end();
				const left = await Spool.recover(path.join(base, 'left'), new Budget(64 * MIB));
				expect(left.whole).toBe(true);
				const after = await make({ secrets, left, known: left.told });
				tell(after.streamer, all);
				await after.streamer.end();
				const log: Record<number, string> = {};
				for await (const chunk of left.read(1)) {
					const { stream, payload } = decodeFrame(chunk.frame);
					log[stream] = (log[stream] ?? '') + Buffer.from(payload).toString();
				}
				await left.remove();
				for (const stream of [Stream.stdout, Stream.stderr] as const) {
					const whole = all.flatMap(([of, text]) => (of === stream ? [text] : [])).join('');
					expect(log[stream] ?? '').toBe(whole.replaceAll('secret-7', '***'));
				}
			}),
			{ numRuns: 25 },
		);
	});
});
