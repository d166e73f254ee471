import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALERTS_MAX, AlertSourceKind, keyOf, momentOf, newsOf, readAlerts } from '#domain/alert.ts';
import { IncidentCreate } from '#domain/incident.ts';
import { DomainError } from '#domain/errors.ts';

const told = {
	status: 'firing',
	labels: { alertname: 'InstanceDown', severity: 'page', instance: 'web1', __proto__: 'x', n: 7 },
	annotations: { summary: 'web1 is\u202edown\nand more' },
	startsAt: '2026-11-29T06:52:26.739266876+01:00',
	endsAt: '0001-01-01T00:00:00Z',
	generatorURL: 'javascript:alert(1)',
	fingerprint: '',
	somethingNew: {},
};

describe('what monitoring says', () => {
	it('is read for its alerts', () => {
		const { alerts, left_out } = readAlerts('alertmanager', { version: '4', alerts: [told, { status: 'odd' }] });
		expect(left_out).toBe(1);
		expect(alerts).toEqual([
			{
				identity: '[["alertname","InstanceDown"],["instance","web1"],["severity","page"]]',
				status: 'firing',
				title: 'web1 is down',
				severity: 'critical',
				at: '2026-11-29T05:52:26.739Z',
				url: null,
			},
		]);
	});

	it('of one that is told of twice, the later word counts', () => {
		const over = { ...told, status: 'resolved', endsAt: '2026-11-29T07:00:00Z' };
		for (const alerts of [
			[told, over],
			[over, told],
		])
			expect(readAlerts('grafana', { alerts }).alerts).toMatchObject([{ status: 'resolved' }]);
	});

	it('is bounded, and refused where nothing of it can be read', () => {
		const many = Array.from({ length: 1_000 }, (_, i) => ({ title: `a ${String(i)}` }));
		const { alerts, left_out } = readAlerts('generic', { alerts: many });
		expect([alerts.length, left_out]).toEqual([ALERTS_MAX, 1_000 - ALERTS_MAX]);
		for (const [kind, body, path] of [
			['alertmanager', {}, 'alerts'],
			['grafana', { alerts: [{ status: 'odd' }] }, 'alerts.0.status'],
			['generic', { name: 'x' }, 'title'],
			['centreon', { host: 'x', state: 'odd' }, 'state'],
		] as const)
			try {
				readAlerts(kind, body);
				expect.fail(kind);
			} catch (error) {
				expect((error as DomainError).details.errors?.[0]?.path).toBe(path);
			}
	});

	const word = fc.oneof(
		fc.string({ unit: 'binary' }),
		fc.constantFrom(
			'firing',
			'resolved',
			'critical',
			'__proto__',
			'OK',
			'DOWN',
			'2026-11-29T06:00:00Z',
			'https://x.example',
		),
	);
	const names = [
		...[
			'status',
			'labels',
			'annotations',
			'startsAt',
			'endsAt',
			'fingerprint',
			'title',
			'key',
			'severity',
			'at',
			'url',
		],
		...['host', 'service', 'state', 'output', 'time', 'alertname', 'summary', 'constructor'],
	];
	const flat = fc.dictionary(fc.constantFrom(...names), fc.oneof(word, fc.jsonValue({ maxDepth: 1 })));
	const one = fc.dictionary(fc.constantFrom(...names), fc.oneof(word, flat, fc.double()));
	const body = fc.oneof(fc.jsonValue(), one, fc.record({ alerts: fc.oneof(fc.jsonValue(), fc.array(one)) }));

	it.each(AlertSourceKind.options)('%s: of hostile JSON comes an incident that may be, or a refusal', (kind) => {
		fc.assert(
			fc.property(body, (hostile) => {
				try {
					const { alerts, left_out } = readAlerts(kind, hostile);
					expect(left_out).toBeGreaterThanOrEqual(0);
					for (const { identity, title, severity, at, url, status } of alerts) {
						const dedupe_key = keyOf({ id: 2_147_483_647, kind }, identity, 'f'.repeat(64));
						const incident = { title, dedupe_key, started_at: at, ...(severity && { severity }) };
						expect(IncidentCreate.safeParse(incident).error).toBeUndefined();
						expect(['firing', 'resolved']).toContain(status);
						expect(url ?? 'https://').toMatch(/^https?:\/\//i);
					}
				} catch (error) {
					expect(error).toBeInstanceOf(DomainError);
				}
			}),
		);
	});
});

describe('what is news of an open incident', () => {
	const now = '2026-11-29T08:00:00.000Z';
	const last = { status: 'resolved', at: '2026-11-29T06:00:00.000Z' } as const;
	it('is another status', () => {
		expect(newsOf(null, last, now)).toBe(last.at);
		expect(newsOf(last, last, now)).toBeNull();
		expect(newsOf(last, { status: 'resolved', at: '2026-11-29T07:00:00.000Z' }, now)).toBeNull();
		expect(newsOf(last, { status: 'firing', at: '2026-11-29T07:00:00.000Z' }, now)).toBe('2026-11-29T07:00:00.000Z');
	});
	it('is now where one that fires again names its first beginning', () => {
		expect(newsOf(last, { status: 'firing', at: '2026-11-29T05:00:00.000Z' }, now)).toBe(now);
	});
	it('is not that it is over, of before it fired again', () => {
		const firing = { status: 'firing', at: last.at } as const;
		expect(newsOf(firing, { status: 'resolved', at: '2026-11-29T05:00:00.000Z' }, now)).toBeNull();
	});
	it('has a moment that can be: none that is to come, nor one of long ago', () => {
		expect(momentOf(null, Date.parse(now))).toBeNull();
		expect(momentOf('1971-01-01T00:00:00.000Z', Date.parse(now))).toBeNull();
		expect(momentOf('2027-01-01T00:00:00.000Z', Date.parse(now))).toBe(now);
		expect(momentOf(last.at, Date.parse(now))).toBe(last.at);
	});
});

describe('what an alert is told apart by', () => {
	it('is all of its labels, whatever stands in them, and its link the first that is one', () => {
		const read = (labels: object, annotations = {}) =>
			readAlerts('grafana', {
				alerts: [{ status: 'firing', labels, annotations, generatorURL: 'https://g.example.com/' }],
			}).alerts[0];
		expect(read({ a: 'b,c=d' })?.identity).not.toBe(read({ a: 'b', c: 'd' })?.identity);
		expect(read({ a: 'b' }, { runbook_url: 'see wiki' })?.url).toBe('https://g.example.com/');
	});
});
