import { describe, expect, it } from 'vitest';
import { sectionNames } from '#domain/postmortem.ts';
import { type Draft, merge, patchOf } from '#lib/postmortem/merge.ts';

const all = (text: string): Draft => ({
	summary: text,
	impact: text,
	root_cause: text,
	timeline: text,
	action_items: text,
});

describe('two who write one post-mortem', () => {
	it('lose no words, whatever each of them changed', () => {
		const texts = ['a', 'b', 'c'];
		const at = (n: number) => texts[n % 3] ?? '';
		for (let n = 0; n < 27; n++) {
			const [original, mine, theirs] = [all(at(n)), all(at(Math.floor(n / 3))), all(at(Math.floor(n / 9)))];
			const { draft, conflicts } = merge(original, mine, theirs);
			for (const name of sectionNames) {
				// What I wrote is in the draft; what they wrote is there too, or stands beside it as a question.
				if (mine[name] !== original[name]) expect(draft[name]).toBe(mine[name]);
				else expect(draft[name]).toBe(theirs[name]);
				const both = mine[name] !== original[name] && theirs[name] !== original[name] && mine[name] !== theirs[name];
				expect(conflicts[name]).toBe(both ? theirs[name] : undefined);
			}
		}
	});

	it('send only what they changed; an empty root cause is none', () => {
		const original = all('x');
		expect(patchOf(original, original)).toEqual({});
		expect(patchOf(original, { ...original, impact: 'y', root_cause: ' ' })).toEqual({ impact: 'y', root_cause: null });
		expect(patchOf(original, { ...original, summary: '' })).toEqual({ summary: '' });
	});
});
