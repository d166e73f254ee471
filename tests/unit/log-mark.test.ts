import fc from 'fast-check';
import { expect, it } from 'vitest';
import { after, START } from '#durable/core/log-mark.ts';
import { Kind, Stream } from '#protocol/run-frames.ts';

it('counts the ends of lines wherever the bytes lie, and whatever lies around them', () => {
	const byte = fc.constantFrom(0x0a, 0x0a, 0x09, 0x0b, 0x00, 0x8a, 0xff);
	fc.assert(
		fc.property(fc.array(byte, { minLength: 1, maxLength: 60 }), fc.nat(7), (bytes, at) => {
			const room = new Uint8Array(80).fill(0x0a);
			room.set(bytes, at);
			const payload = room.subarray(at, at + bytes.length);
			const ends = bytes.filter((b) => b === 0x0a).length;
			const open = bytes.at(-1) !== 0x0a;
			expect(after(START, { kind: Kind.log, stream: Stream.stdout, offset: 0, t_ms: 0, payload })).toMatchObject({
				lines: ends + (open ? 1 : 0),
				open: open ? Stream.stdout : Stream.none,
			});
		}),
	);
});
