import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withQuery } from '#client/client.ts';
import { changes } from '#lib/ui/changes.ts';
import { stepsOf } from '#lib/run/steps.ts';
import { safeNext } from '#domain/next.ts';
import { score } from '#lib/shell/score.ts';

describe('messages', () => {
	const read = (locale: string): Record<string, unknown> => {
		const all = JSON.parse(readFileSync(`messages/${locale}.json`, 'utf8')) as Record<string, unknown>;
		return Object.fromEntries(Object.entries(all).filter(([key]) => key !== '$schema'));
	};
	/** Every text of a message: of one with a plural, each of its forms. */
	const texts = (message: unknown): string[] =>
		typeof message === 'string'
			? [message]
			: (message as { match: Record<string, string> }[]).flatMap(({ match }) => Object.values(match));
	const placeholders = (message: unknown) => [
		...new Set(texts(message).flatMap((t) => [...t.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))),
	];
	const [en, fr] = [read('en'), read('fr')];

	it('French and English have the same keys', () => {
		expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
	});

	it('none is empty, and each takes the same values in both', () => {
		for (const [key, message] of Object.entries(en)) {
			for (const text of [...texts(message), ...texts(fr[key])]) expect(text.trim(), key).not.toBe('');
			expect(placeholders(fr[key]).sort(), key).toEqual(placeholders(message).sort());
		}
	});
});

describe('safeNext', () => {
	it('18: leads nowhere but into the app', () => {
		for (const evil of [
			'https://evil.example',
			'//evil.example',
			'/\\evil.example',
			'\\\\evil',
			'javascript:alert(1)',
			'/\n/evil',
			'/\t/evil.example',
			' /x',
			'',
			null,
		])
			expect(safeNext(evil)).toBe('/');
		expect(safeNext('/runs/3?status=failed#L10')).toBe('/runs/3?status=failed#L10');
	});

	it('18: whatever it is given, the answer stays on this origin', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.webUrl(),
					fc.string().map((s) => `/${s}`),
				),
				(next) => {
					expect(new URL(safeNext(next), 'http://hub.test').origin).toBe('http://hub.test');
				},
			),
		);
	});
});

describe('stepsOf', () => {
	const at = (ms: number) => new Date(1_800_000_000_000 + ms).toISOString();
	const now = 1_800_000_000_000;

	it('tells each step of a finished run, one after the other', () => {
		const timings = { offered_at: at(10), granted_at: at(30), started_at: at(40), exited_at: at(1040) };
		const run = { requested_at: at(0), timings, started_at: at(40), finished_at: at(1050) };
		expect(stepsOf(run, null).map((s) => [s.name, s.at, s.ms, s.open])).toEqual([
			['queued', 0, 10, false],
			['handover', 10, 20, false],
			['start', 30, 10, false],
			['running', 40, 1000, false],
			['finish', 1040, 10, false],
		]);
	});

	it('the step it is in goes on until now; one that ended early ends with the run', () => {
		const waiting = { requested_at: at(0), timings: {}, started_at: null, finished_at: null };
		expect(stepsOf(waiting, now + 500)).toEqual([{ name: 'queued', at: 0, ms: 500, open: true }]);
		expect(stepsOf({ ...waiting, finished_at: at(80) }, null)).toEqual([
			{ name: 'queued', at: 0, ms: 80, open: false },
		]);
	});

	it('clocks that disagree give no negative step', () => {
		const timings = { offered_at: at(50), granted_at: at(20), started_at: at(-400), exited_at: at(10) };
		const run = { requested_at: at(0), timings, started_at: null, finished_at: at(5) };
		for (const step of stepsOf(run, null)) expect(step.ms).toBeGreaterThanOrEqual(0);
	});
});

describe('score', () => {
	it('finds without accents and case, every word, and the beginning of words first', () => {
		expect(score('Santé projet', 'sante')).toBeGreaterThan(0);
		expect(score('Patch sécurité', 'secu patch')).toBeGreaterThan(0);
		expect(score('Patch sécurité', 'patch prod')).toBe(0);
		expect(score('Release', 'rel')).toBeGreaterThan(score('Unrelated', 'rel'));
	});
});

describe('changes', () => {
	it('are what differs, and nothing else', () => {
		const before = { title: 'a', tags: ['x'], owner_id: 1, end: null };
		expect(changes(before, { ...before, tags: ['x'] })).toEqual({});
		expect(changes(before, { ...before, tags: ['y'], owner_id: 2 })).toEqual({ tags: ['y'], owner_id: 2 });
	});
});

describe('withQuery', () => {
	it('leaves out what is not given and encodes the rest', () => {
		expect(withQuery('/runs', { q: 'a b&c', status: '', cursor: null, project_id: 3 })).toBe(
			'/runs?q=a+b%26c&project_id=3',
		);
		expect(withQuery('/runs', {})).toBe('/runs');
	});
});
