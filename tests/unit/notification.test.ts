import { describe, expect, it } from 'vitest';
import { defaultChannels, eventsFor, NotificationChoice, placeOf, ToldEvent } from '#domain/notification.ts';
import { sentence } from '#domain/notification-words.ts';
import { quietUntil, QuietHours } from '#domain/quiet-hours.ts';
import { Role } from '#domain/user.ts';

const at = (iso: string) => Date.parse(iso);

describe('quiet hours', () => {
	const night = { start: '22:00', end: '07:00', time_zone: 'Europe/Paris' };
	const until = (iso: string, quiet = night) => {
		const loud = quietUntil(quiet, at(iso));
		return loud === null ? null : new Date(loud).toISOString();
	};

	it('go over midnight, on the clocks of the person', () => {
		expect(until('2026-11-29T20:59:59Z')).toBe(null);
		expect(until('2026-11-29T21:00:00Z')).toBe('2026-11-30T06:00:00.000Z');
		expect(until('2026-11-30T05:59:59Z')).toBe('2026-11-30T06:00:00.000Z');
		expect(until('2026-11-30T06:00:00Z')).toBe(null);
		expect(until('2026-11-29T13:00:00Z', { ...night, start: '12:00', end: '14:00' })).toBe(null);
		expect(until('2026-11-29T11:00:00Z', { ...night, start: '12:00', end: '14:00' })).toBe('2026-11-29T13:00:00.000Z');
		expect(quietUntil(null, at('2026-11-29T23:00:00Z'))).toBe(null);
	});

	it('end when the clocks say so in the night in which they are moved', () => {
		expect(until('2026-03-28T22:00:00Z')).toBe('2026-03-29T05:00:00.000Z');
		expect(until('2026-10-24T22:00:00Z')).toBe('2026-10-25T06:00:00.000Z');
	});

	it('refuse a zone that is none, a time that is none, and no length', () => {
		for (const wrong of [
			{ time_zone: 'Mars/Olympus' },
			{ time_zone: '../etc' },
			{ time_zone: '' },
			{ start: '24:00' },
			{ end: '7:00' },
			{ end: '22:00' },
		])
			expect(QuietHours.safeParse({ ...night, ...wrong }).success, JSON.stringify(wrong)).toBe(false);
	});
});

describe('what people are told', () => {
	const about = { title: 'ship', project: 'App' };

	it.each(ToldEvent.options)('%s has words in both languages and a place', (event) => {
		for (const locale of ['en', 'fr'] as const) expect(sentence({ event, about }, locale)).toContain('ship');
		expect(placeOf({ object_type: 'Run', object_id: 7, about })).toBe('/runs/7');
	});

	it('12 13: is one line, whatever a title is made of', () => {
		const title = 'a\r\nBcc: b \u202etxt.exe <b>\u0007';
		const line = sentence({ event: 'run.failed', about: { ...about, title } }, 'en');
		expect(line).toMatch(/^\P{Cc}*$/u);
		expect(line).not.toContain('\u202e');
	});

	it('can be chosen by those who are ever told of it', () => {
		for (const role of Role.options)
			for (const event of eventsFor(role)) expect(defaultChannels[event][role]).toBeDefined();
		expect(eventsFor('dev')).not.toContain('agent.offline');
		for (const wrong of [{ channels: { test: ['page'] } }, { channels: { 'run.failed': ['page', 'page'] } }, { x: 1 }])
			expect(NotificationChoice.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
	});
});
