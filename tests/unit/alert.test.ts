import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertSource, AlertSourceKind, AlertSourcePatch, keyOf, momentOf, newsOf } from '#domain/alert.ts';
import { ALERTS_MAX, readAlerts as read, type Reading } from '#domain/alert-payload.ts';
import { IncidentCreate } from '#domain/incident.ts';
import { DomainError } from '#domain/errors.ts';

const readAlerts = (kind: AlertSourceKind, body: unknown, more: Partial<Reading> = {}) =>
	read({ kind, severities: {}, group_by: [], ...more }, body);
/** As the senders document what they send, in a place of our own. */
const payload = (name: string) => JSON.parse(readFileSync(`tests/support/hooks/${name}.json`, 'utf8')) as unknown;

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

	it('is read as the senders document it', () => {
		const wiki = 'https://wiki.example.org/checkout-errors';
		expect(readAlerts('alertmanager', payload('alertmanager'))).toEqual({
			left_out: 0,
			alerts: [
				{
					identity: '5c1f0a7e93d2b846',
					status: 'firing',
					title: 'Checkout answers with errors on checkout-1',
					severity: 'medium',
					at: '2026-11-28T22:04:11.482Z',
					url: wiki,
				},
				expect.objectContaining({ identity: 'e07b41c5286a9fd3', status: 'firing', severity: 'critical' }),
				expect.objectContaining({ identity: '0b6d8e2f417ca935', status: 'resolved', at: '2026-11-28T22:07:11.482Z' }),
			],
		});
		expect(readAlerts('grafana', payload('grafana'))).toEqual({
			left_out: 0,
			alerts: [
				{
					identity: '9f42d6a1b80c357e',
					status: 'firing',
					title: 'The queue invoices is stuck',
					severity: 'high',
					at: '2026-11-28T22:41:20.000Z',
					url: 'https://grafana.example.org/alerting/grafana/be3k1q9/view?orgId=1',
				},
			],
		});
		expect(readAlerts('centreon', payload('centreon')).alerts).toEqual([
			{
				identity: 'db-paris-2/Disk-/var',
				status: 'firing',
				title: 'db-paris-2 Disk-/var: CRITICAL: Disk /var - used: 187.2 GB (96.4%) free: 7.0 GB',
				severity: 'critical',
				at: '2025-11-28T22:45:12.000Z',
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
			fc.property(body, fc.subarray(['alertname', 'status', 'host']), (hostile, group_by) => {
				try {
					const { alerts, left_out } = readAlerts(kind, hostile, { group_by });
					expect(left_out).toBeGreaterThanOrEqual(0);
					expect(new Set(alerts.map(({ identity }) => identity)).size).toBe(alerts.length);
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

describe('how a source reads', () => {
	const severityIn = (severities: AlertSource['severities'], severity: string) =>
		readAlerts('generic', { title: 'x', severity }, { severities }).alerts[0]?.severity;

	it('its own words for severity come first, whatever their case; others are as the hub has them', () => {
		expect(severityIn({ SEV1: 'critical', warning: 'low' }, 'sev1')).toBe('critical');
		expect(severityIn({ SEV1: 'critical', warning: 'low' }, 'Warning')).toBe('low');
		expect(severityIn({ SEV1: 'critical' }, 'warning')).toBe('medium');
		expect(severityIn({ SEV1: 'critical' }, 'sev9')).toBeNull();
		expect(readAlerts('centreon', payload('centreon'), { severities: { critical: 'high' } }).alerts[0]?.severity).toBe(
			'high',
		);
		for (const word of ['', 'a b', 'a\u202eb', 'x'.repeat(61)])
			expect(AlertSourcePatch.safeParse({ severities: { [word]: 'low' } }).success, word).toBe(false);
	});

	it('alerts that share its labels are one: firing while any is, as the worst, since the first', () => {
		const group_by = ['alertname', 'cluster'];
		const grouped = (body: unknown) => readAlerts('alertmanager', body, { group_by }).alerts;
		const [one, ...more] = grouped(payload('alertmanager'));
		expect(more).toEqual([]);
		expect(one).toMatchObject({
			identity: '[["alertname","CheckoutErrors"],["cluster","paris"]]',
			status: 'firing',
			title: 'Checkout answers with errors on checkout-2',
			severity: 'critical',
			at: '2026-11-28T22:04:11.482Z',
		});
		const over = (endsAt: string, instance: string) => ({
			...told,
			status: 'resolved',
			endsAt,
			labels: { alertname: 'A', cluster: 'b', instance },
			fingerprint: instance,
		});
		const alerts = [over('2026-11-29T07:00:00Z', '1'), over('2026-11-29T06:00:00Z', '2')];
		expect(grouped({ alerts })).toMatchObject([{ status: 'resolved', at: '2026-11-29T07:00:00.000Z' }]);
		// What has none of the labels stays what it is by itself.
		const plain = { ...told, labels: {} };
		expect(
			grouped({
				alerts: [
					{ ...plain, fingerprint: 'a' },
					{ ...plain, fingerprint: 'b' },
				],
			}),
		).toHaveLength(2);
		expect(
			readAlerts(
				'centreon',
				{ alerts: [payload('centreon'), { host: 'db-paris-2', state: 'DOWN' }] },
				{ group_by: ['host'] },
			).alerts,
		).toHaveLength(1);
	});
});
