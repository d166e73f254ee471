import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_TEXT_MAX } from '#domain/log.ts';
import { framesOf, LogStore, SEAL_AT, SEGMENT, segmentKey, UNSEALED_MAX } from '#durable/core/log-store.ts';
import { LogReader } from '#durable/core/log-reader.ts';
import { searchLog } from '#durable/core/log-search.ts';
import type { Storage } from '#durable/core/storage.ts';
import {
	type Chunk,
	decodeFrame,
	decodePacked,
	encodeFrame,
	encodePacked,
	Kind,
	PACKED_MIN,
	Stream,
} from '#protocol/run-frames.ts';
import { memoryStorage, MemorySegments } from '#tests/support/sqlite.ts';

type Output = { stream: 1 | 2; bytes: Uint8Array } | { gap: number } | { record: string };

const sha256 = (b: Uint8Array) => new Uint8Array(createHash('sha256').update(b).digest());

function packedOf(plain: Uint8Array, payload_length: number): Uint8Array {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(plain.length);
	return encodePacked({ payload_length, body: zstdCompressSync(Buffer.concat([length, plain])) });
}

/** The chunks an agent makes of some output. Every other one is packed, where it may be. */
function chunksOf(outputs: readonly Output[], from = { seq: 1, offset: 0 }): Chunk[] {
	let { seq, offset } = from;
	return outputs.map((o) => {
		const plain =
			'record' in o
				? encodeFrame({ kind: Kind.record, stream: 0, offset, t_ms: 1000 + seq, payload: Buffer.from(o.record) })
				: 'gap' in o
					? encodeFrame({
							kind: Kind.gap,
							stream: 0,
							offset,
							t_ms: 1000 + seq,
							payload: Buffer.from(JSON.stringify({ dropped: o.gap, reason: 'spool_full' })),
						})
					: encodeFrame({ kind: Kind.log, stream: o.stream, offset, t_ms: 1000 + seq, payload: o.bytes });
		const packs = 'bytes' in o && o.bytes.length >= PACKED_MIN && seq % 2 === 0;
		const frame = packs ? packedOf(plain, o.bytes.length) : plain;
		if ('bytes' in o) offset += o.bytes.length;
		return { run_id: 1, epoch: 1, seq: seq++, sha256: sha256(frame), frame };
	});
}

const bytesOf = (outputs: readonly Output[], stream?: 1 | 2) =>
	Buffer.concat(
		outputs.flatMap((o) => (!('bytes' in o) || (stream !== undefined && o.stream !== stream) ? [] : [o.bytes])),
	);

/** Lines by the definition in domain/log.ts, told in the plainest way. */
function linesOf(outputs: readonly Output[], max = LINE_TEXT_MAX) {
	const lines: { stream: number; bytes: number[]; offset: number; ended: boolean }[] = [];
	let offset = 0;
	for (const o of outputs) {
		if ('record' in o) continue;
		if ('gap' in o) {
			lines.push({ stream: 0, bytes: [], offset, ended: true });
			continue;
		}
		for (const byte of o.bytes) {
			let last = lines.at(-1);
			if (!last || last.ended || last.stream !== o.stream)
				lines.push((last = { stream: o.stream, bytes: [], offset, ended: false }));
			if (byte === 10) last.ended = true;
			else last.bytes.push(byte);
			offset++;
		}
	}
	return lines.map(({ stream, bytes, offset: at }) => ({
		stream: ['none', 'stdout', 'stderr'][stream],
		text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(
			// What an answer gives of a long line.
			new Uint8Array(bytes.slice(0, max)),
		),
		offset: at,
	}));
}

const piece = fc.oneof(
	{
		weight: 8,
		arbitrary: fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom('a', 'B', 'é', '\n', '\0', '\r') }),
	},
	{ weight: 1, arbitrary: fc.integer({ min: 1000, max: 40_000 }).map((n) => 'long line '.repeat(n / 10 + 1)) },
);
const output: fc.Arbitrary<Output> = fc.oneof(
	{
		weight: 12,
		arbitrary: fc.record({ stream: fc.constantFrom(1 as const, 2 as const), bytes: piece.map((s) => Buffer.from(s)) }),
	},
	{ weight: 1, arbitrary: fc.record({ gap: fc.integer({ min: 1, max: 1e6 }) }) },
	{
		weight: 1,
		arbitrary: fc.constant({
			record: JSON.stringify({ type: 'step_started', n: 1, host: null, name: 'a\nb', tool: 'shell' }),
		}),
	},
);
const outputs = fc.array(output, { maxLength: 120 });

const open = (storage: Storage = memoryStorage()) => {
	const segments = new MemorySegments();
	const log = new LogStore(storage);
	return { storage, segments, log, reader: new LogReader(log, 1, segments) };
};
const all = (reader: LogReader) => reader.bytes(null, 0, Number.MAX_SAFE_INTEGER / 2).then((b) => Buffer.from(b));

describe('the log store', () => {
	it('gives back by bytes, by stream and by lines what came in, however it was cut into batches', async () => {
		await fc.assert(
			fc.asyncProperty(outputs, fc.integer({ min: 1, max: 40 }), fc.nat(), async (written, batch, place) => {
				const storage = memoryStorage();
				const { log } = open(storage);
				const chunks = chunksOf(written);
				for (let i = 0; i < chunks.length; i += batch)
					expect(log.append(chunks.slice(i, i + batch)).refused).toBeNull();

				// A second store over the same storage: what an object sees after its eviction.
				const { log: again, reader } = open(storage);
				expect(again.end).toEqual(log.end);
				expect(again.seq).toBe(chunks.length);
				expect((await all(reader)).equals(bytesOf(written))).toBe(true);
				for (const [name, stream] of [
					['stdout', 1],
					['stderr', 2],
				] as const) {
					const whole = bytesOf(written, stream);
					expect(reader.size(name)).toBe(whole.length);
					const from = whole.length === 0 ? 0 : place % whole.length;
					expect(Buffer.from(await reader.bytes(name, from, 50)).equals(whole.subarray(from, from + 50))).toBe(true);
				}
				const lines = linesOf(written);
				expect(again.end.lines).toBe(lines.length);
				const first = lines.length === 0 ? 1 : 1 + (place % lines.length);
				const got = await reader.lines(first, 20);
				expect(got.total_lines).toBe(lines.length);
				const expected = lines.slice(first - 1, first + 19);
				// An answer may be shorter where the lines are long, but never empty.
				const text = got.items.reduce((n, l) => n + l.text.length, 0);
				expect(got.items.length >= expected.length || text > 500_000).toBe(true);
				expect(got.items.map(({ stream, text, offset }) => ({ stream, text, offset }))).toEqual(
					expected.slice(0, got.items.length),
				);
			}),
			{ numRuns: 150 },
		);
	});

	it('takes each chunk once and in order, whatever is repeated, reordered or damaged on the way', async () => {
		await fc.assert(
			fc.asyncProperty(outputs, fc.infiniteStream(fc.nat()), async (written, dice) => {
				const { log, reader } = open();
				const chunks = chunksOf(written);
				const roll = () => dice.next().value ?? 0;
				while (log.seq < chunks.length) {
					const at = Math.max(0, log.seq - 3 + (roll() % 8));
					const chunk = chunks[at];
					if (!chunk) continue;
					if (roll() % 4 === 0) {
						const frame = chunk.frame.slice();
						frame[roll() % frame.length] = roll() % 256;
						log.append([{ ...chunk, frame }]);
					} else log.append([chunk]);
					const next = chunks[log.seq];
					if (next && roll() % 3 === 0) log.append([next]);
				}
				expect((await all(reader)).equals(bytesOf(written))).toBe(true);
				expect(await reader.sha256()).toBe(createHash('sha256').update(bytesOf(written)).digest('hex'));
			}),
			{ numRuns: 60 },
		);
	});

	it('refuses a known seq with another hash, a wrong offset, and what is no log frame', () => {
		const { log } = open();
		const [a, b] = chunksOf([
			{ stream: 1, bytes: Buffer.from('one\n') },
			{ stream: 1, bytes: Buffer.from('two\n') },
		]);
		const [other] = chunksOf([{ stream: 1, bytes: Buffer.from('One\n') }]);
		if (!a || !b || !other) throw new Error('three chunks');
		expect(log.append([a])).toMatchObject({ refused: null });
		expect(log.append([a])).toMatchObject({ taken: [], refused: null });
		expect(log.append([other]).refused).toMatch(/another hash/);
		const [elsewhere] = chunksOf([{ stream: 1, bytes: Buffer.from('x') }], { seq: 2, offset: 3 });
		expect(log.append(elsewhere ? [elsewhere] : []).refused).toMatch(/starts at 3, the log ends at 4/);
		const status = encodeFrame({
			kind: Kind.status,
			stream: Stream.none,
			offset: 4,
			t_ms: 1,
			payload: Buffer.from('{}'),
		});
		expect(log.append([{ ...b, frame: status, sha256: sha256(status) }]).refused).toMatch(/not of a log/);
		expect(log.append([{ ...b, seq: 5000 }]).refused).toMatch(/too far ahead/);
		expect(log.append([b])).toMatchObject({ refused: null });
		expect(log.end).toMatchObject({ offset: 8, lines: 2 });
	});

	it('48: holds early chunks only within a bound', () => {
		const { log } = open();
		const refusals = chunksOf(Array.from({ length: 100 }, () => ({ stream: 1 as const, bytes: Buffer.from('x') })))
			.slice(1)
			.map((c) => log.append([c]).refused);
		expect(refusals.filter((r) => r !== null).length).toBeGreaterThan(50);
		expect(log.end.offset).toBe(0);
	});
});

describe('sealing', () => {
	const line = (i: number) => Buffer.from(`line ${String(i)} ${'abcdefghij'.repeat(400)}\n`.repeat(16));
	const long = Array.from({ length: Math.ceil((2.2 * SEAL_AT) / line(0).length) }, (_, i): Output => ({
		stream: i % 9 === 0 ? 2 : 1,
		bytes: line(i),
	}));

	it('moves the old part out, and everything is read as before', async () => {
		const { log, segments, reader, storage } = open();
		for (const chunk of chunksOf(long)) {
			log.append([chunk]);
			if (log.full) await log.seal(1, segments);
		}
		const whole = bytesOf(long);
		expect(segments.puts).toBeGreaterThanOrEqual(2);
		expect((await all(reader)).equals(whole)).toBe(true);
		expect(
			Buffer.from(await reader.bytes('stderr', 1000, 100_000)).equals(bytesOf(long, 2).subarray(1000, 101_000)),
		).toBe(true);
		const total = linesOfText(whole);
		const got = await reader.lines(17, 3);
		expect(got).toMatchObject({ total_lines: total.length, total_bytes: whole.length });
		expect(got.items.map((l) => l.text)).toEqual(total.slice(16, 19));
		// A segment is its pieces end to end, and nothing else: together they are its part of the log, whole.
		const segment = segments.objects.get(segmentKey(1, 0)) ?? new Uint8Array();
		let at = 0;
		const frames = log.pieces
			.filter((piece) => piece.sealed?.segment === 0)
			.flatMap((piece) => {
				expect(piece.sealed?.at).toBe(at);
				return framesOf(zstdDecompressSync(segment.subarray(at, (at += piece.stored))));
			});
		expect(at).toBe(segment.length);
		expect(
			Buffer.concat(frames.map((f) => f.payload)).equals(
				whole.subarray(
					0,
					frames.reduce((n, f) => n + f.payload.length, 0),
				),
			),
		).toBe(true);
		// What is sealed has left the object.
		const [{ held } = { held: 0 }] = storage.sql
			.exec<{ held: number }>('select sum(length(data)) held from pieces where segment is not null')
			.toArray();
		expect(held ?? 0).toBe(0);
		expect(whole.length - (log.pieces.findLast((p) => p.sealed)?.end.offset ?? 0)).toBeLessThan(SEAL_AT);
	});

	it.each(['before', 'after'] as const)(
		'repeats an identical put when it crashed %s the bytes were there',
		async (failing) => {
			const storage = memoryStorage();
			const { log, segments } = open(storage);
			log.append([]);
			for (const chunk of chunksOf(long.slice(0, Math.ceil((1.1 * SEAL_AT) / line(0).length)))) log.append([chunk]);
			segments.failing = failing;
			await expect(log.seal(1, segments)).rejects.toThrow();
			const first = segments.objects.get(segmentKey(1, 0));
			segments.failing = null;
			const again = new LogStore(storage);
			const more = chunksOf([{ stream: 1, bytes: Buffer.from('and more\n') }], {
				seq: again.seq + 1,
				offset: again.end.offset,
			});
			expect(again.append(more).refused).toBeNull();
			await again.seal(1, segments);
			const second = segments.objects.get(segmentKey(1, 0));
			expect(second?.length).toBeGreaterThan(0);
			if (first) expect(Buffer.from(second ?? []).equals(first)).toBe(true);
			expect(await new LogReader(again, 1, segments).bytes(null, 0, SEGMENT)).toHaveLength(SEGMENT);
		},
	);

	it('keeps what an agent packed as it came: in the object, in a segment, and for who reads', async () => {
		const { storage, segments, log, reader } = open();
		const text = (n: number) => Buffer.from(`${String(n)} is the line\n`.repeat(200_000 / 20));
		const written = Array.from({ length: 110 }, (_, n): Output => ({ stream: 1, bytes: text(n) }));
		const chunks = chunksOf(written);
		const packed = chunks.flatMap(({ frame }) => decodePacked(frame)?.body ?? []);
		expect(packed).toHaveLength(55);
		const { taken, refused } = log.append(chunks);
		expect(refused).toBeNull();
		expect(taken.map(({ bytes }) => Buffer.from(decodeFrame(bytes).payload))).toEqual(
			written.flatMap((o) => ('bytes' in o ? [o.bytes] : [])),
		);
		const rows = storage.sql.exec<{ data: ArrayBuffer }>('select data from pieces where seq % 2 = 0').toArray();
		expect(rows.map(({ data }) => Buffer.from(data))).toEqual(packed.map((body) => Buffer.from(body)));
		expect(log.append(chunks.slice(-3))).toMatchObject({ taken: [], refused: null });
		const { seq = 0 } = chunks.at(-1) ?? {};
		const other = { ...(chunks.at(-1) as Chunk), seq, sha256: sha256(Buffer.from('another')) };
		expect(log.append([other]).refused).toMatch(/another hash/);

		await log.seal(1, segments);
		const segment = segments.objects.get(segmentKey(1, 0)) ?? new Uint8Array();
		expect(Buffer.from(segment).includes(Buffer.from(packed[0] ?? []))).toBe(true);
		expect((await all(reader)).equals(bytesOf(written))).toBe(true);
	});

	it('a packed chunk that holds anything else than it says is refused, and nothing of it is kept', async () => {
		const { log, reader } = open();
		const payload = Buffer.alloc(PACKED_MIN, 'some text\n');
		const plain = (over: object = {}) =>
			encodeFrame({ kind: Kind.log, stream: 1, offset: 0, t_ms: 1, payload, ...over });
		const chunk = (frame: Uint8Array): Chunk => ({ run_id: 1, epoch: 1, seq: 1, sha256: sha256(frame), frame });
		const body = (bytes: Uint8Array) => encodePacked({ payload_length: PACKED_MIN, body: bytes });
		const good = packedOf(plain(), PACKED_MIN);
		const refused = {
			'no Zstandard': body(Buffer.from('this is no Zstandard at all, only text')),
			'a frame that is cut': good.subarray(0, -5),
			'a bomb': body(zstdCompressSync(Buffer.alloc(50_000_000))),
			'a little more': packedOf(plain({ payload: Buffer.alloc(PACKED_MIN + 1) }), PACKED_MIN),
			'a little less': packedOf(plain({ payload: Buffer.alloc(PACKED_MIN - 1) }), PACKED_MIN),
			'another length before it': body(zstdCompressSync(Buffer.concat([Buffer.alloc(4), plain()]))),
			'a record': packedOf(plain({ kind: Kind.record, stream: 0 }), PACKED_MIN),
			'a gap': packedOf(plain({ kind: Kind.gap, stream: 0 }), PACKED_MIN),
			'no stream': packedOf(plain({ stream: 0 }), PACKED_MIN),
			'another offset': packedOf(plain({ offset: 7 }), PACKED_MIN),
			'a packed frame': packedOf(packedOf(plain(), PACKED_MIN), PACKED_MIN),
		};
		for (const [name, frame] of Object.entries(refused)) {
			const answer = log.append([chunk(frame)]);
			expect(answer.refused, name).not.toBeNull();
			expect([answer.taken.length, log.seq, log.end.offset], name).toEqual([0, 0, 0]);
		}
		expect(log.append([{ ...chunk(good), sha256: sha256(plain()) }]).refused).toMatch(/does not match its hash/);
		expect(log.append([chunk(good)]).refused).toBeNull();
		expect((await all(reader)).equals(payload)).toBe(true);
	});

	it('waits for a calmer moment before each segment, but not with too much', async () => {
		const { log, segments } = open();
		const part = Buffer.alloc(262_144, 'abcdefgh\n');
		const flood = Array.from({ length: UNSEALED_MAX / part.length + 1 }, (): Output => ({ stream: 1, bytes: part }));
		for (const chunk of chunksOf(flood)) log.append([chunk]);
		const putsAtPause: number[] = [];
		await log.seal(1, segments, () => {
			putsAtPause.push(segments.puts);
			return Promise.resolve();
		});
		expect(putsAtPause).toEqual(Array.from({ length: segments.puts - 1 }, (_, i) => i + 1));
		expect(log.full).toBe(false);
	});

	it('a line of 50 MB, with binary in it, survives byte for byte; its lines answer is cut and says so', async () => {
		const { log, segments, reader } = open();
		const part = Buffer.alloc(262_144, 0);
		for (let i = 0; i < part.length; i++) part[i] = (i * 7919) % 256 === 10 ? 11 : (i * 7919) % 256;
		const written: Output[] = [
			{ stream: 1, bytes: Buffer.from('before\n') },
			...Array.from({ length: 200 }, (): Output => ({ stream: 1, bytes: part })),
			{ stream: 1, bytes: Buffer.from('end\nafter\n') },
		];
		const chunks = chunksOf(written);
		for (const chunk of chunks) {
			log.append([chunk]);
			if (log.full) await log.seal(1, segments);
		}
		expect(log.end.lines).toBe(3);
		expect(await reader.sha256()).toBe(createHash('sha256').update(bytesOf(written)).digest('hex'));
		const { items } = await reader.lines(1, 10);
		expect(items.map((l) => [l.line, l.truncated ?? false])).toEqual([
			[1, false],
			[2, true],
			[3, false],
		]);
		expect(items[1]?.text.length).toBeLessThanOrEqual(LINE_TEXT_MAX);
		expect(items[2]).toMatchObject({ text: 'after', offset: 7 + 200 * 262_144 + 4 });
	});
});

const linesOfText = (b: Buffer) => b.toString().replace(/\n$/, '').split('\n');

describe('search', () => {
	it('finds the lines a plain search finds, in pages, over any cut and both streams', async () => {
		await fc.assert(
			fc.asyncProperty(
				outputs,
				fc.constantFrom('a', 'AB', 'é', 'É', 'ba\r', 'aB\0', 'a.', '(', 'line LONG'),
				fc.integer({ min: 1, max: 7 }),
				async (written, q, limit) => {
					const { log, reader } = open();
					log.append(chunksOf(written));
					const found: number[] = [];
					for (let from: number | null = 1; from !== null;) {
						const page = await searchLog(reader, { q, from_line: from, limit }, () => 0);
						for (const hit of page.items) {
							expect(hit.text.slice(hit.at).toLowerCase().startsWith(q.toLowerCase())).toBe(true);
							found.push(hit.line);
						}
						from = page.next_from_line;
					}
					const lines = linesOf(written, Infinity);
					const expected = /[\n\r]/.test(q)
						? []
						: lines.flatMap((l, i) => (l.text.toLowerCase().includes(q.toLowerCase()) ? [i + 1] : []));
					expect(found).toEqual(expected);
				},
			),
			{ numRuns: 200 },
		);
	});

	it('goes on in the middle of a line, where that is where a piece of the log begins', async () => {
		const { log, reader } = open();
		log.append(
			chunksOf([
				{ stream: 1, bytes: Buffer.from(`needle ${'x'.repeat(200_000)}`) },
				{ stream: 1, bytes: Buffer.from(`${'y'.repeat(200_000)} no needle\nneedle\nneedle`) },
				{ stream: 1, bytes: Buffer.from(`${'z'.repeat(200_000)}\nneedle`) },
			]),
		);
		expect(log.pieces).toHaveLength(3);
		const hits = [];
		for (let from: number | null = 1; from !== null;) {
			const page = await searchLog(reader, { q: 'needle', from_line: from, limit: 1 }, () => 0);
			hits.push(...page.items.map(({ line, offset }) => ({ line, offset })));
			from = page.next_from_line;
		}
		expect(hits).toEqual([
			{ line: 1, offset: 0 },
			{ line: 2, offset: 400_018 },
			{ line: 3, offset: 400_025 },
			{ line: 4, offset: 600_032 },
		]);
	});

	it('28: a search that would take long stops, and goes on where it stopped', async () => {
		const { log, reader } = open();
		const written = Array.from({ length: 40 }, (): Output => ({
			stream: 1,
			bytes: Buffer.from(`${'a'.repeat(200_000)}\nneedle\n`),
		}));
		for (const c of chunksOf(written)) log.append([c]);
		let clock = 0;
		const pages: number[] = [];
		const hits: number[] = [];
		for (let from: number | null = 1; from !== null;) {
			const page = await searchLog(reader, { q: 'NEEDLE', from_line: from, limit: 500 }, () => (clock += 400));
			hits.push(...page.items.map((h) => h.line));
			if (page.next_from_line !== null) expect(page.next_from_line).toBeGreaterThan(from);
			pages.push((from = page.next_from_line) ?? 0);
		}
		expect(pages.length).toBeGreaterThan(5);
		expect(hits).toEqual(Array.from({ length: 40 }, (_, i) => 2 * i + 2));
	});
});
