import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lane } from '#agent/lane.ts';
import { Forms } from '#agent/mask.ts';
import { Stream } from '#protocol/run-frames.ts';

const none = new Forms([]);

function written(host: string, parts: readonly (string | Buffer)[], forms = none): string[] {
	const taken: string[] = [];
	const lane = new Lane(host, forms, (_, bytes) => {
		taken.push(bytes.toString());
		return undefined;
	});
	for (const part of parts) lane.write(Stream.stdout, Buffer.from(part));
	lane.end();
	return taken;
}

describe("a host's lane", () => {
	it('gives whole lines only, each with its host, however the output was cut', () => {
		fc.assert(
			fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,12}$/)), (parts) => {
				const taken = written('web1', parts);
				for (const piece of taken) expect(piece).toMatch(/^(\[web1\] [ab]*\n)+$/);
				const said = parts.join('');
				const lines = said === '' ? [] : said.replace(/\n$/, '').split('\n');
				expect(taken.join('')).toBe(lines.map((line) => `[web1] ${line}\n`).join(''));
			}),
		);
	});

	it('begins what a carriage return starts over with the host again', () => {
		expect(written('h', ['10%\r20%\r', '30%\r\nnext\r\n']).join('')).toBe('[h] 10%\r[h] 20%\r[h] 30%\r\n[h] next\r\n');
	});

	it("lets no colour run on into another host's line", () => {
		expect(written('h', ['\x1b[31mred\nplain\n']).join('')).toBe('[h] \x1b[31mred\x1b[0m\n[h] plain\n');
	});

	it('keeps its streams apart, and a pause of one is not one of the other', () => {
		const taken: [number, string][] = [];
		const pause = Promise.resolve();
		const lane = new Lane('h', none, (stream, bytes) => {
			taken.push([stream, bytes.toString()]);
			return stream === Stream.stderr ? pause : undefined;
		});
		expect(lane.write(Stream.stdout, Buffer.from('out'))).toBeUndefined();
		expect(lane.write(Stream.stderr, Buffer.from('err\n'))).toBe(pause);
		expect(lane.write(Stream.stdout, Buffer.from('put\n'))).toBeUndefined();
		expect(taken).toEqual([
			[Stream.stderr, '[h] err\n'],
			[Stream.stdout, '[h] output\n'],
		]);
	});

	it('48: breaks a line that never ends, so that it is not all held', () => {
		const taken = written(
			'h',
			Array.from({ length: 40 }, () => 'x'.repeat(16_384)),
		);
		const lines = taken.join('').trimEnd().split('\n');
		expect(lines.map((l) => l.length - '[h] '.length)).toEqual([262_144, 262_144, 131_072]);
	});

	it('46: hides a secret that lies across the place where a line is broken, or a carriage return', () => {
		const forms = new Forms([Buffer.from('s3cret-value'), Buffer.from('first\rsecond')]);
		const out = written('h', [`${'x'.repeat(262_140)}s3cr`, 'et-value\n', 'first', '\rsecond\n'], forms).join('');
		expect(out).not.toContain('s3cr');
		expect(out).not.toContain('second');
		expect(out).toContain('***');
	});

	it('15: is named by what of its name can be seen', () => {
		expect(written('we\u202eb\x1b[2J\n1', ['x']).join('')).toBe('[web[2J1] x\n');
	});
});
