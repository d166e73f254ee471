import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	BadFrame,
	CHUNK_HEADER,
	decodeBlob,
	decodeChunk,
	decodeFrame,
	decodePacked,
	encodeBlob,
	encodeChunk,
	encodeFrame,
	encodePacked,
	FRAME_HEADER,
	fromHex,
	Kind,
	PACKED_HEADER,
	PACKED_MIN,
	PAYLOAD_MAX,
	toHex,
	weightOf,
} from '#protocol/run-frames.ts';

const bytes = fc.uint8Array({ maxLength: 500 });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u32 = fc.nat({ max: 2 ** 32 - 1 });
const frame = fc.record({
	kind: fc.constantFrom(Kind.log, Kind.status, Kind.gap),
	stream: fc.constantFrom(0, 1, 2),
	offset: fc.maxSafeNat(),
	t_ms: fc.maxSafeNat(),
	payload: bytes,
});

describe('run frames', () => {
	it('come back as they went', () => {
		fc.assert(
			fc.property(frame, (f) => {
				expect(decodeFrame(encodeFrame(f))).toEqual(f);
			}),
		);
	});

	it('stand in a chunk unchanged, so that the hub can forward them without looking', () => {
		fc.assert(
			fc.property(frame, fc.maxSafeNat(), u32, u32, hash, (f, run_id, epoch, seq, sha256) => {
				const encoded = encodeFrame(f);
				const chunk = decodeChunk(encodeChunk({ run_id, epoch, seq, sha256, frame: encoded }));
				expect(chunk).toEqual({ run_id, epoch, seq, sha256, frame: encoded });
			}),
		);
	});

	it('packed come back as they went, also in a chunk, and weigh what is sent or a quarter of what they hold', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: PACKED_MIN, max: PAYLOAD_MAX }),
				fc.uint8Array({ maxLength: PACKED_MIN }),
				hash,
				(payload_length, body, sha256) => {
					const packed = encodePacked({ payload_length, body });
					expect(decodePacked(packed)).toEqual({ payload_length, body });
					expect(weightOf(packed)).toBe(Math.max(body.length, payload_length / 4));
					if (body.length < FRAME_HEADER) return;
					const chunk = { run_id: 1, epoch: 2, seq: 3, sha256, frame: packed };
					expect(decodeChunk(encodeChunk(chunk))).toEqual(chunk);
				},
			),
		);
		fc.assert(
			fc.property(frame, (f) => {
				expect(decodePacked(encodeFrame(f))).toBeNull();
				expect(weightOf(encodeFrame(f))).toBe(f.payload.length);
			}),
		);
	});

	it('packed that say they hold too little, too much, or less than they are, are refused', () => {
		const packed = (payload_length: number, size = 100) => encodePacked({ payload_length, body: new Uint8Array(size) });
		const inChunk = (frame: Uint8Array) => () =>
			decodeChunk(encodeChunk({ run_id: 1, epoch: 1, seq: 1, sha256: new Uint8Array(32), frame }));
		expect(inChunk(packed(PACKED_MIN))).not.toThrow();
		for (const length of [0, PACKED_MIN - 1, PAYLOAD_MAX + 1, 2 ** 32 - 1])
			expect(inChunk(packed(length)), String(length)).toThrow(BadFrame);
		expect(inChunk(packed(PACKED_MIN, PACKED_MIN + 1))).toThrow(BadFrame);
		expect(() => decodePacked(packed(PACKED_MIN).subarray(0, PACKED_HEADER - 1))).toThrow(BadFrame);
		expect(inChunk(Uint8Array.from(packed(PACKED_MIN), (b, i) => (i === 2 ? 1 : b)))).toThrow(BadFrame);
	});

	it('blobs come back as they went', () => {
		fc.assert(
			fc.property(hash, fc.maxSafeNat(), fc.maxSafeNat(), bytes, (sha256, offset, total, payload) => {
				expect(decodeBlob(encodeBlob({ sha256, offset, total, payload }))).toEqual({ sha256, offset, total, payload });
			}),
		);
	});

	it('has the layout other programs rely on', () => {
		const f = encodeFrame({ kind: 1, stream: 2, offset: 0x0102030405, t_ms: 0x0a0b, payload: new Uint8Array([0xff]) });
		expect(toHex(f)).toBe('01020000' + '0000000102030405' + '0000000000000a0b' + 'ff');
	});

	it('of any other bytes throws BadFrame and nothing else', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
				for (const decode of [decodeFrame, decodeChunk, decodePacked, decodeBlob]) {
					try {
						decode(raw);
					} catch (error) {
						expect(error).toBeInstanceOf(BadFrame);
					}
				}
			}),
		);
	});

	it('refuses what is short, long, reserved or beyond a safe number', () => {
		const good = encodeFrame({ kind: 1, stream: 1, offset: 0, t_ms: 0, payload: new Uint8Array() });
		expect(() => decodeFrame(good.subarray(0, FRAME_HEADER - 1))).toThrow(BadFrame);
		expect(() => decodeFrame(Uint8Array.from(good, (b, i) => (i === 2 ? 1 : b)))).toThrow(BadFrame);
		expect(() => decodeFrame(Uint8Array.from(good, (b, i) => (i === 4 ? 0xff : b)))).toThrow(BadFrame);
		expect(() => decodeChunk(new Uint8Array(CHUNK_HEADER + FRAME_HEADER + PAYLOAD_MAX + 1))).toThrow(BadFrame);
	});

	it('hexadecimal comes back as it went', () => {
		fc.assert(
			fc.property(bytes, (b) => {
				expect(fromHex(toHex(b))).toEqual(b);
			}),
		);
	});
});
