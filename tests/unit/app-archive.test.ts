import { describe, expect, it } from 'vitest';
import { archiveLine } from '#domain/archive.ts';
import { adminsIn, afterLines } from '#lib/archive/send.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const user = (username: string, more: object = {}) =>
	archiveLine({ kind: 'User', row: { id: 1, username, role: 'admin', is_active: true, ...more } });

describe('what the page reads of an archive itself', () => {
	it('offers the admins it begins with, and nobody else', () => {
		const header = '{"format":"uhub-archive"}\n';
		const text = `${header}${user('ada')}${user('bob', { role: 'dev' })}${user('eve', { is_active: false })}${user('grace')}`;
		expect(adminsIn(bytes(`${text}${archiveLine({ kind: 'Group', row: {} })}${user('late')}`))).toEqual([
			'ada',
			'grace',
		]);
		expect(adminsIn(bytes(text.slice(0, -5)))).toEqual(['ada']);
		for (const none of ['', header, '\u0000\n\n', `${header}{"kind":"User"}\n`])
			expect(adminsIn(bytes(none))).toEqual([]);
	});

	it('finds the line it has to go on with', () => {
		const lines = bytes('one\ntwo, é\n\nfour');
		expect([0, 1, 2, 3].map((n) => afterLines(lines, n))).toEqual([0, 4, 12, 13]);
	});
});
