import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collapse, parse, paletteColour, plain, type Sgr, sgrOf } from '#lib/run/log/ansi.ts';
import { LogBuffer, MissingBytes } from '#lib/run/log/buffer.ts';
import { formatRange, parseRange } from '#lib/run/log/line-range.ts';
import { marked } from '#lib/run/log/marked.ts';
import { newer } from '#lib/run/newer.ts';
import { ROW, scrollTo, windowOf } from '#lib/run/log/window.ts';
import type { Run } from '#domain/run.ts';
import { type Frame, Kind, Stream } from '#protocol/run-frames.ts';

const shown = (text: string, from: Sgr = plain) =>
	parse(text, from)
		.spans.map((s) => s.text)
		.join('');
const ESC = '\u001b';

/** Text as hostile programs write it: escapes of every kind, halves of them, controls, and plain words. */
const nasty = fc
	.array(
		fc.oneof(
			fc.string({ unit: 'grapheme', maxLength: 8 }),
			fc.constantFrom(
				ESC,
				`${ESC}[`,
				`${ESC}]`,
				'm',
				'0',
				';',
				'38',
				'\u0007',
				`${ESC}\\`,
				'\u009b',
				'\u202e',
				'\0',
				'\t',
				'\r',
			),
			fc.constantFrom(
				`${ESC}[31m`,
				`${ESC}[0m`,
				`${ESC}[2J`,
				`${ESC}[1;4;38;5;208m`,
				`${ESC}]8;;http://x${ESC}\\`,
				`${ESC}P1$r${ESC}\\`,
			),
		),
		{ maxLength: 30 },
	)
	.map((parts) => parts.join(''));

describe('ansi', () => {
	it('knows the sixteen colours, the cube, the greys and true colour', () => {
		const at = (text: string) => parse(`${text}x`).to;
		expect(at(`${ESC}[31m`)).toEqual({ ...plain, fg: 1 });
		expect(at(`${ESC}[97;44m`)).toEqual({ ...plain, fg: 15, bg: 4 });
		expect(at(`${ESC}[38;5;208m`)).toEqual({ ...plain, fg: 208 });
		expect(at(`${ESC}[48;2;1;2;255m`)).toEqual({ ...plain, bg: '#0102ff' });
		expect(at(`${ESC}[38:2::1:2:3m`)).toEqual({ ...plain, fg: '#010203' });
		expect(at(`${ESC}[38:5:9m`)).toEqual({ ...plain, fg: 9 });
		expect([16, 231, 232, 255].map(paletteColour)).toEqual(['#000000', '#ffffff', '#080808', '#eeeeee']);
	});

	it('sets and takes back bold, dim, italic, underline, strike and inverse', () => {
		const all = parse(`${ESC}[1;2;3;4;7;9mx`).to;
		expect(all).toEqual({
			...plain,
			bold: true,
			dim: true,
			italic: true,
			underline: true,
			inverse: true,
			strike: true,
		});
		expect(parse(`${ESC}[22;23;24;27;29mx`, all).to).toEqual(plain);
		expect(parse(`${ESC}[mx`, all).to).toEqual(plain);
	});

	it('passes over numbers it does not know, and colours out of range', () => {
		expect(parse(`${ESC}[38;5;300;1mx`).to).toEqual({ ...plain, bold: true });
		expect(parse(`${ESC}[99;1mx`).to).toEqual({ ...plain, bold: true });
	});

	it('14: leaves nothing of links, clipboards, titles, device strings and cursor movements', () => {
		expect(shown(`a${ESC}]8;;https://evil${ESC}\\b${ESC}]8;;\u0007c`)).toBe('abc');
		expect(shown(`a${ESC}]52;c;aGk=\u0007b`)).toBe('ab');
		expect(shown(`a${ESC}]0;title\u0007b${ESC}P1$r0m${ESC}\\c${ESC}[2J${ESC}[1;1Hd${ESC}(Be${ESC}cf`)).toBe('abcdef');
	});

	it('14: an escape that never ends hides nothing after it', () => {
		expect(shown(`before ${ESC}]0;rm -rf / was here`)).toBe('before 0;rm -rf / was here');
		expect(shown(`${ESC}[31`)).toBe('31');
	});

	it('12, 14: whatever comes, no escape, control or reordering character is left', () => {
		fc.assert(
			fc.property(nasty, (text) => {
				// eslint-disable-next-line no-control-regex
				expect(shown(text)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
			}),
		);
	});

	it('text without escapes and controls is shown as it is', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom(...'aé漢😀 <&"\t') }), (text) => {
				expect(shown(text)).toBe(text);
			}),
		);
	});

	it('carries its state from line to line: cut between lines, the whole looks the same', () => {
		fc.assert(
			fc.property(fc.array(nasty, { maxLength: 6 }), (lines) => {
				let sgr = plain;
				for (const line of lines) sgr = parse(line, sgr).to;
				// What follows a line can belong to an escape that it left open; a word that closes every kind keeps them apart.
				const joined = lines.map((line) => `${line}\u0007${ESC}\\`).join('');
				let closed = plain;
				for (const line of lines) closed = parse(`${line}\u0007${ESC}\\`, closed).to;
				expect(parse(joined).to).toEqual(closed);
				expect(sgr).toBeTypeOf('object');
			}),
		);
	});

	it('a progress line shows its last state, in the colour it had', () => {
		expect(collapse('10 %\r50 %\r100 %')).toBe('100 %');
		expect(collapse('done\r\r')).toBe('done');
		expect(parse(collapse(`${ESC}[32m10 %\r100 %`)).spans).toEqual([{ text: '100 %', sgr: { ...plain, fg: 2 } }]);
		expect(sgrOf(`${ESC}[31m${ESC}[0m${ESC}[1m`)).toBe(`${ESC}[0m${ESC}[1m`);
	});
});

describe('LogBuffer', () => {
	const frames = (parts: { stream: number; bytes: Uint8Array }[]): Frame[] => {
		let offset = 0;
		return parts.map(({ stream, bytes }, i) => {
			const frame = { kind: Kind.log, stream, offset, t_ms: 1000 + i, payload: bytes };
			offset += bytes.length;
			return frame;
		});
	};
	/** The lines as they stand in the end. */
	const linesOf = (all: Frame[], buffer = new LogBuffer()) => {
		const lines = new Map<number, unknown>();
		for (const frame of all)
			for (const { line, offset, stream, text } of buffer.push(frame)) lines.set(line, { line, offset, stream, text });
		return [...lines.values()];
	};
	const bytesOf = (text: string) => new TextEncoder().encode(text);
	const runs = fc.array(
		fc.record({
			stream: fc.constantFrom(Stream.stdout, Stream.stderr),
			bytes: fc.oneof(
				fc.uint8Array({ maxLength: 40 }),
				fc
					.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', '\n', '\r', `${ESC}[32m`), maxLength: 20 })
					.map(bytesOf),
			),
		}),
		{ maxLength: 8 },
	);

	it('any chunking of the same bytes gives the same lines', () => {
		fc.assert(
			fc.property(runs, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (parts, sizes) => {
				const pieces = parts.flatMap(({ stream, bytes }) => {
					const out: typeof parts = [];
					for (let at = 0; at < bytes.length;) {
						const size = sizes.next().value;
						out.push({ stream, bytes: bytes.subarray(at, at + size) });
						at += size;
					}
					return out;
				});
				// The end of the log closes its last line: half a character at the very end is still awaited.
				const end = { stream: Stream.stdout, bytes: bytesOf('\n') };
				expect(linesOf(frames([...pieces, end]))).toEqual(linesOf(frames([...parts, end])));
			}),
		);
	});

	it('numbers, places and texts are those of the bytes', () => {
		const all = frames([
			{ stream: Stream.stdout, bytes: bytesOf('one\ntw') },
			{ stream: Stream.stdout, bytes: bytesOf('o\n\nopen') },
			{ stream: Stream.stderr, bytes: bytesOf('err\n') },
		]);
		expect(linesOf(all)).toEqual([
			{ line: 1, offset: 0, stream: 'stdout', text: 'one' },
			{ line: 2, offset: 4, stream: 'stdout', text: 'two' },
			{ line: 3, offset: 8, stream: 'stdout', text: '' },
			{ line: 4, offset: 9, stream: 'stdout', text: 'open' },
			{ line: 5, offset: 13, stream: 'stderr', text: 'err' },
		]);
	});

	it('bytes that are no UTF-8 show as U+FFFD, and a character across a border as itself', () => {
		const [é1, é2] = bytesOf('é');
		const all = frames([
			{ stream: Stream.stdout, bytes: new Uint8Array([0xff, é1 ?? 0]) },
			{ stream: Stream.stdout, bytes: new Uint8Array([é2 ?? 0, 10]) },
		]);
		expect(linesOf(all)).toEqual([{ line: 1, offset: 0, stream: 'stdout', text: '\ufffdé' }]);
	});

	it('goes on from an offset: what came twice counts once, what is missing is refused', () => {
		const all = frames([
			{ stream: Stream.stdout, bytes: bytesOf('abc\nde') },
			{ stream: Stream.stdout, bytes: bytesOf('f\n') },
		]);
		const buffer = new LogBuffer();
		const [first, second] = all;
		if (!first || !second) throw new Error('two frames were made');
		buffer.push(first);
		expect(buffer.push(first)).toEqual([]);
		expect(buffer.push({ ...second, offset: 4, payload: bytesOf('def\n') })).toMatchObject([{ line: 2, text: 'def' }]);
		expect(() => buffer.push({ ...second, offset: 20 })).toThrow(MissingBytes);
		expect(buffer.offset).toBe(8);
	});

	it('begins in the middle at a line whose number and place are known', () => {
		const buffer = new LogBuffer({ line: 501, offset: 9000 });
		expect(
			buffer.push({ kind: Kind.log, stream: Stream.stdout, offset: 9000, t_ms: 1, payload: bytesOf('x\n') }),
		).toMatchObject([{ line: 501, offset: 9000, text: 'x' }]);
	});

	it('a gap is a line of its own, and once only', () => {
		const payload = bytesOf(JSON.stringify({ dropped: 512, reason: 'spool_full' }));
		const gap: Frame = { kind: Kind.gap, stream: Stream.none, offset: 3, t_ms: 9, payload };
		const buffer = new LogBuffer();
		buffer.push({ kind: Kind.log, stream: Stream.stdout, offset: 0, t_ms: 1, payload: bytesOf('abc') });
		expect(buffer.push(gap)).toMatchObject([
			{ line: 1, text: 'abc' },
			{ line: 2, stream: 'none', gap: { dropped: 512, reason: 'spool_full' } },
		]);
		expect(buffer.push(gap)).toEqual([]);
	});

	it('a line of 50 MB costs no more than its beginning, and a progress bar nothing at all', () => {
		const buffer = new LogBuffer();
		const chunk = new Uint8Array(262_144).fill(97);
		let offset = 0;
		for (let i = 0; i < 200; i++, offset += chunk.length)
			expect(buffer.push({ kind: Kind.log, stream: Stream.stdout, offset, t_ms: 1, payload: chunk })).toHaveLength(1);
		const payload = bytesOf('\rdone');
		const [line] = buffer.push({ kind: Kind.log, stream: Stream.stdout, offset, t_ms: 1, payload });
		expect(line).toEqual({ line: 1, offset: 0, stream: 'stdout', t_ms: 1, text: 'done' });
	});
});

describe('the window of rows', () => {
	const totals = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 700_000, max: 20_000_000 }));
	const viewports = fc.integer({ min: 100, max: 2000 });

	it('covers what is seen, and little more, wherever one scrolls', () => {
		fc.assert(
			fc.property(totals, viewports, fc.double({ min: 0, max: 1, noNaN: true }), (total, viewport, share) => {
				const { height } = windowOf(total, 0, viewport);
				const scrollTop = Math.max(0, height - viewport) * share;
				const seen = windowOf(total, scrollTop, viewport);
				expect(seen.count).toBeLessThanOrEqual(viewport / ROW + 27);
				expect(seen.first + seen.count).toBeLessThanOrEqual(total);
				expect(seen.top).toBeLessThanOrEqual(scrollTop + 0.001);
				const bottom = seen.top + seen.count * ROW;
				expect(bottom).toBeGreaterThanOrEqual(Math.min(height, scrollTop + viewport) - 0.01);
			}),
		);
	});

	it('brings any row into view', () => {
		fc.assert(
			fc.property(totals, viewports, fc.nat(), (total, viewport, n) => {
				fc.pre(total > 0);
				const row = n % total;
				const { first, count } = windowOf(total, scrollTo(total, row, viewport), viewport);
				expect(first).toBeLessThanOrEqual(row);
				expect(first + count).toBeGreaterThan(row);
			}),
		);
	});
});

describe('links to lines', () => {
	it('are read as they are written', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1e8 }), fc.nat(1000), (from, more) => {
				const range = { from, to: from + more };
				expect(parseRange(formatRange(range))).toEqual(range);
			}),
		);
		expect(parseRange('#L20-L10')).toEqual({ from: 10, to: 20 });
		for (const other of ['', '#', '#L', '#L0', '#L1-', '#L1-20', '#l1', '#L1e3', '#L9999999999'])
			expect(parseRange(other)).toBeNull();
	});
});

describe('marks', () => {
	it('stand where the text is found, through spans, and change no text', () => {
		fc.assert(
			fc.property(nasty, fc.string({ minLength: 1, maxLength: 3 }), (text, query) => {
				const { spans } = parse(text);
				const out = marked(spans, query);
				expect(out.map((s) => s.text).join('')).toBe(spans.map((s) => s.text).join(''));
				expect(out.every((s) => s.text.length > 0)).toBe(true);
			}),
		);
		const { spans } = parse(`he${ESC}[1mLLo hello`);
		expect(marked(spans, 'ell').map((s) => (s.hit ? `[${s.text}]` : s.text))).toEqual([
			'h',
			'[e]',
			'[LL]',
			'o h',
			'[ell]',
			'o',
		]);
	});
});

it('the row of a run is never put back to an older one, and its end is shown whatever version it comes under', () => {
	const row = (version: number, status: Run['status'], reason: string) =>
		({ version, status, reason }) as unknown as Run;
	const waits = row(3, 'queued', 'needs approval');
	expect(newer(waits, row(2, 'queued', 'two ahead'))).toBe(waits);
	for (const told of [row(3, 'running', ''), row(4, 'queued', 'frozen'), row(2, 'success', '')])
		expect(newer(waits, told)).toBe(told);
	const over = row(3, 'failed', '');
	expect(newer(over, row(2, 'success', ''))).toBe(over);
});
