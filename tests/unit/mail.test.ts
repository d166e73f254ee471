import { describe, expect, it } from 'vitest';
import { heldUntil, HOURLY_MAX } from '#domain/mail-digest.ts';
import { Letter, LISTED_MAX, mailText } from '#domain/mail-text.ts';
import { type Json, filled, STANDARD } from '#worker/services/mails/provider.ts';
import { mailSettings } from '#worker/services/mails/settings.ts';

const HUB = 'https://hub.example.org';
const told = (title: string, more: object = {}) => ({
	event: 'run.failed' as const,
	object_type: 'Run' as const,
	object_id: 7,
	created_at: '2026-11-29T08:05:09.000Z',
	about: { title, project: 'App' },
	...more,
});
const letter = (titles: string[], more = 0): Letter => ({
	kind: 'told',
	told: titles.map((title) => told(title)),
	more,
});

describe('a mail', () => {
	it('of one thing says it in its subject, and leads there', () => {
		const { subject, text, html, preferences } = mailText(letter(['ship']), 'en', HUB);
		expect(subject).toBe('[uHub] Your run failed: ship');
		expect(text).toContain('Your run failed: ship\nApp · 2026-11-29 08:05 UTC\nhttps://hub.example.org/runs/7\n');
		expect(html).toContain('<a href="https://hub.example.org/runs/7">Your run failed: ship</a>');
		expect(preferences).toBe('https://hub.example.org/profile/notifications');
		expect(text).toContain(preferences);
	});

	it('of several says how many, and lists them, in the person’s language', () => {
		const { subject, text } = mailText(letter(['a', 'b'], 3), 'fr', HUB);
		expect(subject).toBe('[uHub] 5 nouvelles pour vous');
		for (const part of ['Votre exécution a échoué : a', 'Votre exécution a échoué : b', 'et 3 de plus'])
			expect(text).toContain(part);
	});

	it('12 20: is text wherever it stands: no line break in a header, no mark-up, nothing hidden', () => {
		const { subject, text, html } = mailText(
			letter(['x\r\nBcc: all@example.org\r\n\r\n<img src=x onerror=1> \u202e"']),
			'en',
			HUB,
		);
		expect(subject).toMatch(/^\P{Cc}+$/u);
		expect(text).not.toMatch(/^Bcc:/m);
		expect(html).not.toMatch(/<img|\u202e/);
		expect(html).toContain('&lt;img src=x onerror=1&gt;');
		expect(html.match(/<(?!\/?(?:!doctype|html|head|meta|title|body|p|a|br|span)\b)/g)).toBe(null);
	});

	it('of a confirmation leads to it, and to nothing else', () => {
		const { text } = mailText({ kind: 'confirm', token: 'abc_-'.repeat(8) }, 'en', HUB);
		expect(text.match(/https?:\S+/g)).toEqual([`${HUB}/profile/notifications?confirm=${'abc_-'.repeat(8)}`]);
	});

	it('39: is made only of what the hub’s own templates take', () => {
		for (const wrong of [
			{ kind: 'told', told: [], more: 0 },
			{ kind: 'told', told: Array.from({ length: LISTED_MAX + 1 }, () => told('a')), more: 0 },
			{ kind: 'told', told: [told('a', { about: { title: 'a'.repeat(201), project: null } })], more: 0 },
			{ kind: 'told', told: [told('a', { object_id: '7#' })], more: 0 },
			{ kind: 'confirm', token: 'a b' },
			{ kind: 'confirm', token: 'abc_-'.repeat(8), text: 'Send me your password' },
			{ kind: 'other', text: 'x' },
		])
			expect(Letter.safeParse(wrong).success, JSON.stringify(wrong).slice(0, 80)).toBe(false);
	});
});

describe('when mails go', () => {
	const now = Date.parse('2026-11-29T21:30:00Z');
	const quiet = { start: '22:00', end: '07:00', time_zone: 'Europe/Paris' };

	it('not in quiet hours, but for what one sends oneself', () => {
		expect(heldUntil(['run.failed'], [], null, now)).toBe(null);
		expect(heldUntil(['run.failed'], [], quiet, now)).toBe(Date.parse('2026-11-30T06:00:00Z'));
		expect(heldUntil(['run.failed', 'test'], [], quiet, now)).toBe(null);
	});

	it('not more than so many within an hour', () => {
		const sent = Array.from({ length: HOURLY_MAX }, (_, i) => now - i * 60_000);
		expect(heldUntil(['run.failed'], sent.slice(1), null, now)).toBe(null);
		expect(heldUntil(['test'], sent, null, now)).toBe(now - (HOURLY_MAX - 1) * 60_000 + 3_600_000);
		expect(
			heldUntil(
				['run.failed'],
				sent.map((at) => at - 3_600_000),
				null,
				now,
			),
		).toBe(null);
	});
});

describe('the settings of a provider', () => {
	const good = {
		UHUB_MAIL_URL: 'https://api.example.com/mails',
		UHUB_MAIL_KEY: 'k',
		UHUB_MAIL_FROM: 'uHub <hub@example.org>',
	};
	const of = (more: object = {}, networks: string[] = []) => mailSettings({ ...good, ...more }, HUB, networks);

	it('are read, and none of them is no mistake', () => {
		expect(of()).toMatchObject({ way: { hub: HUB, kind: 'provider' }, problems: [] });
		expect(mailSettings({}, null, [])).toEqual({ way: null, problems: [] });
		expect(of({ UHUB_MAIL_URL: 'http://10.0.0.7/send' }, ['10.0.0.0/8']).problems).toEqual([]);
	});

	it.each([
		[{ UHUB_MAIL_URL: '' }, 'UHUB_MAIL_KEY: has no meaning without UHUB_MAIL_URL'],
		[{ UHUB_MAIL_KEY: '' }, 'UHUB_MAIL_KEY: is needed'],
		[{ UHUB_MAIL_KEY: 'a\r\nx: y' }, 'UHUB_MAIL_KEY: expected one line'],
		[{ UHUB_MAIL_FROM: 'hub' }, 'UHUB_MAIL_FROM: expected'],
		[{ UHUB_MAIL_FROM: 'a <a@example.org>, b <b@example.org>' }, 'UHUB_MAIL_FROM: expected'],
		[{ UHUB_MAIL_TEMPLATE: '{' }, 'UHUB_MAIL_TEMPLATE: expected JSON'],
		[{ UHUB_MAIL_TEMPLATE: '{"headers":{"a b":"x"},"body":{}}' }, 'UHUB_MAIL_TEMPLATE: '],
		[{ UHUB_MAIL_TEMPLATE: '{"headers":{},"body":{},"url":"x"}' }, 'UHUB_MAIL_TEMPLATE: '],
		[{ UHUB_MAIL_URL: 'http://api.example.com/' }, 'UHUB_MAIL_URL: must lead'],
		[{ UHUB_MAIL_URL: 'https://169.254.169.254/' }, 'UHUB_MAIL_URL: must lead'],
		[{ UHUB_MAIL_URL: 'ftp://api.example.com/' }, 'UHUB_MAIL_URL: expected'],
	])('30: %j is refused, and no mail leaves', (more, problem) => {
		const { way, problems } = of(more);
		expect(way).toBe(null);
		expect(problems.join('\n')).toContain(problem);
	});

	it('or the name of an agent, alone', () => {
		expect(mailSettings({ UHUB_MAIL_AGENT: 'postman' }, `${HUB}/`, [])).toEqual({
			way: { hub: HUB, kind: 'agent', agent: 'postman' },
			problems: [],
		});
		expect(of({ UHUB_MAIL_AGENT: 'postman' })).toMatchObject({
			way: null,
			problems: [expect.stringContaining('beside')],
		});
	});

	it('need to know where the hub is', () => {
		expect(mailSettings(good, null, []).problems[0]).toContain('UHUB_PUBLIC_URL');
	});

	it('fill a template, and never what was filled in', () => {
		const body = filled(
			{ a: ['{{to}}', { b: '{{subject}} {{nothing}} {{constructor}}' }], c: 1 },
			{ to: 'x@y', subject: '{{key}}', key: 's' },
		);
		expect(body).toEqual({ a: ['x@y', { b: '{{key}}  ' }], c: 1 });
		const names = new Set(JSON.stringify(STANDARD as unknown as Json).match(/\{\{\w+\}\}/g));
		expect([...names].sort()).toEqual(
			['from', 'html', 'id', 'key', 'message_id', 'preferences', 'subject', 'text', 'to'].map((name) => `{{${name}}}`),
		);
	});
});
