import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeFrames } from '#durable/core/merge-frames.ts';
import { decodeFrame, encodeFrame, type Frame, FRAME_HEADER, Kind, PAYLOAD_MAX, Stream } from '#protocol/run-frames.ts';

interface Part {
	kind: number;
	stream: number;
	later: number;
	payload: Uint8Array;
}

const part: fc.Arbitrary<Part> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.record({
			kind: fc.constant(Kind.log),
			stream: fc.constantFrom(Stream.stdout, Stream.stderr),
			later: fc.nat({ max: 60 }),
			payload: fc.uint8Array({ minLength: 1, maxLength: 20 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant(Kind.gap),
			stream: fc.constant(Stream.none),
			later: fc.nat({ max: 60 }),
			payload: fc.constant(new TextEncoder().encode('{"dropped":1,"reason":"spool_full"}')),
		}),
	},
);

/** Frames as they follow each other in a log. */
function logOf(parts: Part[]): Frame[] {
	let offset = 0;
	let t_ms = 1_000;
	return parts.map(({ kind, stream, later, payload }) => {
		t_ms += later;
		const frame = { kind, stream, offset, t_ms, payload };
		if (kind === Kind.log) offset += payload.length;
		return frame;
	});
}

/** What a viewer makes of frames: each byte with its place, stream and time, and the gaps between. */
const seen = (frames: Frame[]): unknown[] =>
	frames.flatMap((f): unknown[] =>
		f.kind === Kind.log
			? [...f.payload].map((byte, i) => ({ byte, at: f.offset + i, stream: f.stream }))
			: [{ gap: f.payload, at: f.offset }],
	);

describe('merged frames', () => {
	it('say the same of every byte and gap, in no more frames, at most 50 ms early', () => {
		fc.assert(
			fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
				const log = logOf(parts);
				const merged = mergeFrames(log.map(encodeFrame)).map(decodeFrame);
				expect(seen(merged)).toEqual(seen(log));
				expect(merged.length).toBeLessThanOrEqual(log.length);
				for (const f of log.filter(({ kind }) => kind === Kind.log)) {
					const holder = merged.findLast((m) => m.kind === Kind.log && m.offset <= f.offset);
					expect(f.t_ms - (holder?.t_ms ?? 0)).toBeGreaterThanOrEqual(0);
					expect(f.t_ms - (holder?.t_ms ?? 0)).toBeLessThanOrEqual(50);
				}
			}),
		);
	});

	it('are as few as can be, and none is longer than a frame may be', () => {
		const line = (offset: number, length: number): Uint8Array =>
			encodeFrame({ kind: Kind.log, stream: Stream.stdout, offset, t_ms: 5, payload: new Uint8Array(length) });
		expect(mergeFrames([line(0, 10), line(10, 20), line(30, 5)]).map((f) => f.length)).toEqual([FRAME_HEADER + 35]);
		const sizes = [PAYLOAD_MAX - 1, 1, 1, PAYLOAD_MAX];
		expect(mergeFrames(sizes.map((n) => line(0, n))).map((f) => f.length - FRAME_HEADER)).toEqual([
			PAYLOAD_MAX,
			1,
			PAYLOAD_MAX,
		]);
		expect(mergeFrames([])).toEqual([]);
	});
});
