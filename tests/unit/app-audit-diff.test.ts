import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines } from '#lib/audit/diff.ts';

const text = fc.array(fc.constantFrom('', 'a', 'b', 'c', 'a b'), { maxLength: 30 }).map((lines) => lines.join('\n'));
const side = (before: string, after: string, kind: 'gone' | 'new') =>
	diffLines(before, after)
		.filter((line) => line.kind === 'same' || line.kind === kind)
		.map((line) => line.text)
		.join('\n');

describe('diffLines', () => {
	it('holds both texts, whatever they are', () => {
		fc.assert(
			fc.property(text, text, (before, after) => {
				expect(side(before, after, 'gone')).toBe(before);
				expect(side(before, after, 'new')).toBe(after);
			}),
		);
	});

	it('shows no change where there is none', () => {
		fc.assert(
			fc.property(text, (same) => {
				expect(diffLines(same, same).every((line) => line.kind === 'same')).toBe(true);
			}),
		);
	});

	it('keeps the lines around a change', () => {
		expect(diffLines('one\ntwo\nthree', 'one\n2\nthree')).toEqual([
			{ kind: 'same', text: 'one' },
			{ kind: 'gone', text: 'two' },
			{ kind: 'new', text: '2' },
			{ kind: 'same', text: 'three' },
		]);
	});

	it('still holds both texts when they are too long to compare line by line', () => {
		const lines = (word: string) => Array.from({ length: 2000 }, (_, i) => `${word} ${String(i)}`).join('\n');
		expect(side(lines('a'), lines('b'), 'gone')).toBe(lines('a'));
		expect(side(lines('a'), lines('b'), 'new')).toBe(lines('b'));
	});
});
