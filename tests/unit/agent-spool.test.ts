import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Budget, Spool, SpoolFull } from '#agent/spool.ts';
import { pack } from '#agent/packing.ts';
import { type Chunk, encodeChunk, encodeFrame, encodePacked, Kind, PACKED_MIN, Stream } from '#protocol/run-frames.ts';

const MIB = 1_048_576;
let base: string;
let dir: string;
beforeEach(() => {
	base = mkdtempSync(path.join(os.tmpdir(), 'uhub-spool-'));
	dir = path.join(base, '1-1');
});
afterEach(() => {
	rmSync(base, { recursive: true, force: true });
});

/** Chunks that go on from one another. */
class Log {
	seq = 0;
	offset = 0;
	readonly hash = createHash('sha256');
	/** Over the hashes of the chunks. */
	readonly hashes = createHash('sha256');

	chunk(bytes: Uint8Array): Chunk {
		const frame = encodeFrame({ kind: Kind.log, stream: Stream.stdout, offset: this.offset, t_ms: 1, payload: bytes });
		this.offset += bytes.length;
		this.hash.update(bytes);
		const sha256 = createHash('sha256').update(frame).digest();
		this.hashes.update(sha256);
		return { run_id: 1, epoch: 1, seq: ++this.seq, sha256, frame };
	}
}

async function read(spool: Spool, from: number): Promise<number[]> {
	const seqs: number[] = [];
	for await (const chunk of spool.read(from)) seqs.push(chunk.seq);
	return seqs;
}
const from = (first: number, last: number) =>
	Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);

describe('a spool', () => {
	it('gives back every chunk from any place, and the length and hash of all', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 4 }), {
					minLength: 1,
					maxLength: 8,
				}),
				fc.nat(),
				async (batches, n) => {
					const spool = await Spool.create(dir, new Budget(64 * MIB));
					const log = new Log();
					for (const batch of batches) await spool.append(batch.map((b) => encodeChunk(log.chunk(b))));
					const first = 1 + (n % log.seq);
					expect(await read(spool, first)).toEqual(from(first, log.seq));
					await spool.close();
					const recovered = await Spool.recover(dir, new Budget(64 * MIB));
					const whole = log.hash.copy().digest('hex');
					const chunks = log.hashes.copy().digest('hex');
					for (const s of [spool, recovered])
						expect([s.last_seq, s.bytes, s.sha256(), s.chunks_sha256]).toEqual([log.seq, log.offset, whole, chunks]);
					expect(await read(recovered, first)).toEqual(from(first, log.seq));
				},
			),
			{ numRuns: 25 },
		);
	});

	it('cut or damaged at any byte: what stands before is recovered, and nothing of what is broken', async () => {
		const spool = await Spool.create(dir, new Budget(64 * MIB));
		const log = new Log();
		for (let n = 0; n < 12; n++) await spool.append([encodeChunk(log.chunk(Buffer.alloc(50, n)))]);
		await spool.close();
		const file = path.join(dir, readdirSync(dir)[0] ?? '');
		const whole = readFileSync(file);
		const record = whole.length / 12;
		await fc.assert(
			fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.boolean(), async (at, cut) => {
				writeFileSync(file, whole);
				if (cut) truncateSync(file, at);
				else
					writeFileSync(
						file,
						Buffer.concat([whole.subarray(0, at), Buffer.from([(whole[at] ?? 0) ^ 0xff]), whole.subarray(at + 1)]),
					);
				const recovered = await Spool.recover(dir, new Budget(64 * MIB));
				const last = Math.floor(at / record);
				// A chunk carries its run's number outside its hash; whoever damages only that gets the chunk refused by the hub.
				expect(recovered.last_seq === last || (!cut && at % record < 52)).toBe(true);
				expect(await read(recovered, 1)).toEqual(from(1, recovered.last_seq));
				await recovered.close();
			}),
			{ numRuns: 60 },
		);
	});

	it('knows what is in packed chunks, also after the agent died; one that cannot be unpacked ends what is recovered', async () => {
		const spool = await Spool.create(dir, new Budget(64 * MIB));
		const log = new Log();
		const packed = async (bytes: Uint8Array) => {
			const chunk = log.chunk(bytes);
			const frame = await pack(chunk.frame);
			expect(frame[0]).toBe(Kind.packed);
			return { ...chunk, frame, sha256: createHash('sha256').update(frame).digest() };
		};
		for (let n = 0; n < 4; n++)
			await spool.append([
				encodeChunk(await packed(Buffer.alloc(50_000, `${String(n)} line\n`))),
				encodeChunk(log.chunk(Buffer.from('plain\n'))),
			]);
		const whole = log.hash.copy().digest('hex');
		const { chunks_sha256 } = spool;
		const frame = encodePacked({ payload_length: PACKED_MIN, body: Buffer.alloc(100, 'no Zstandard') });
		const bad = { ...log.chunk(Buffer.alloc(PACKED_MIN)), frame, sha256: createHash('sha256').update(frame).digest() };
		const said = {
			kind: Kind.log,
			stream: Stream.stdout,
			offset: spool.bytes,
			t_ms: 1,
			payload: Buffer.alloc(PACKED_MIN),
		};
		await spool.append([encodeChunk(bad)], [said]);
		await spool.close();
		const recovered = await Spool.recover(dir, new Budget(64 * MIB));
		expect([recovered.last_seq, recovered.bytes, recovered.sha256()]).toEqual([8, 4 * 50_006, whole]);
		expect(recovered.told).toEqual({ stdout: 4 * 50_006, stderr: 0, records: 0, gaps: 0 });
		expect(recovered.whole).toBe(false);
		expect(chunks_sha256).not.toBeNull();
		expect(await read(recovered, 1)).toEqual(from(1, 8));
		await recovered.close();
	});

	it('an append that fails leaves nothing of itself', async () => {
		const budget = new Budget(2 * MIB);
		const spool = await Spool.create(dir, budget);
		const log = new Log();
		await spool.append([encodeChunk(log.chunk(Buffer.alloc(MIB / 8)))]);
		const { last_seq, bytes } = spool;
		const used = budget.used;
		const many = Array.from({ length: 20 }, () => encodeChunk(log.chunk(Buffer.alloc(MIB / 8))));
		await expect(spool.append(many)).rejects.toThrow(SpoolFull);
		expect([spool.last_seq, spool.bytes, budget.used]).toEqual([last_seq, bytes, used]);
		await spool.close();
	});

	it('lets go of what the hub has when room is short, and of nothing else', async () => {
		const spool = await Spool.create(dir, new Budget(20 * MIB));
		const log = new Log();
		const mib = () => Array.from({ length: 4 }, () => encodeChunk(log.chunk(Buffer.alloc(MIB / 4))));
		for (let n = 0; n < 19; n++) await spool.append(mib());
		await expect(spool.append(mib())).rejects.toThrow(SpoolFull);
		spool.ack(40);
		log.seq = 76;
		log.offset = 19 * MIB;
		await spool.append(mib());
		expect(await read(spool, 41)).toEqual(from(41, 80));
		await spool.remove();
	});

	it('of one run lets go for another, to the last byte the hub has', async () => {
		const budget = new Budget(10 * MIB);
		const [one, two] = [await Spool.create(dir, budget), await Spool.create(path.join(base, '2-1'), budget)];
		const [a, b] = [new Log(), new Log()];
		const mib = (log: Log) => Array.from({ length: 4 }, () => encodeChunk(log.chunk(Buffer.alloc(MIB / 4))));
		for (let n = 0; n < 9; n++) await one.append(mib(a));
		const wanted = mib(b);
		await expect(two.append(wanted)).rejects.toThrow(SpoolFull);
		one.ack(one.last_seq);
		await two.append(wanted);
		expect(await read(two, 1)).toEqual(from(1, 4));
		await one.append(mib(a));
		expect(await read(one, 37)).toEqual(from(37, 40));
		expect(one.sha256()).toBe(a.hash.copy().digest('hex'));
		expect(one.chunks_sha256).toBe(a.hashes.copy().digest('hex'));
		// What it let go of is not known to who comes after it.
		await one.close();
		expect((await Spool.recover(dir, new Budget(64 * MIB))).chunks_sha256).toBeNull();
		for (let n = 0; n < 5; n++) await two.append(mib(b));
		await expect(two.append(mib(b))).rejects.toThrow(SpoolFull);
		await one.remove();
		await two.remove();
		expect(budget.used).toBe(0);
	});

	it('48: of a flood leaves room for others that hold little', async () => {
		const budget = new Budget(16 * MIB, 2 * MIB);
		const [flood, beside] = [await Spool.create(dir, budget), await Spool.create(path.join(base, '2-1'), budget)];
		const [a, b] = [new Log(), new Log()];
		const mib = () => Array.from({ length: 4 }, () => encodeChunk(a.chunk(Buffer.alloc(MIB / 4))));
		for (let n = 0; n < 13; n++) await flood.append(mib());
		await expect(flood.append(mib())).rejects.toThrow(SpoolFull);
		const quarter = () => beside.append([encodeChunk(b.chunk(Buffer.alloc(MIB / 4)))]);
		// As long as the hub takes it: what it has gives way.
		for (let n = 0; n < 40; n++) {
			await quarter();
			if (n % 3 === 2) beside.ack(beside.last_seq);
		}
		for (let n = 0; n < 2; n++) await quarter();
		await expect(quarter()).rejects.toThrow(SpoolFull);
		expect(await read(flood, 1)).toEqual(from(1, 52));
		await flood.remove();
		await beside.remove();
		expect(budget.used).toBe(0);
	});

	it('gives its room back when it goes', async () => {
		const budget = new Budget(10 * MIB);
		const spool = await Spool.create(dir, budget);
		await spool.append([encodeChunk(new Log().chunk(Buffer.alloc(1000)))]);
		expect(budget.used).toBeGreaterThan(1000);
		await spool.remove();
		expect(budget.used).toBe(0);
		expect(readdirSync(base)).toEqual([]);
	});

	it('is empty where there was nothing, or only rubbish', async () => {
		const nothing = await Spool.recover(dir, new Budget(MIB));
		expect([nothing.last_seq, nothing.bytes]).toEqual([0, 0]);
		appendFileSync(path.join(dir, '0000000001'), Buffer.alloc(500, 0xab));
		const rubbish = await Spool.recover(dir, new Budget(MIB));
		expect(await read(rubbish, 1)).toEqual([]);
	});
});
