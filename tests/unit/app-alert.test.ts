import { describe, expect, it } from 'vitest';
import type { AlertSource } from '#domain/alert.ts';
import { AlertSourceCreate } from '#domain/alert.ts';
import { fieldMessage } from '#lib/ui/field-message.ts';
import { draftOf, inputOf } from '#lib/alert/draft.ts';

const source: AlertSource = {
	id: 1,
	project_id: 1,
	environment_id: 2,
	name: 'Grafana',
	kind: 'grafana',
	severity: 'high',
	severities: { sev1: 'critical', p0: 'critical', sev2: 'high' },
	group_by: ['alertname', 'cluster'],
	secret_ref: 'hub:grafana',
	version: 3,
	created_at: '2026-11-29T08:00:00.000Z',
	updated_at: '2026-11-29T08:00:00.000Z',
};

describe('the form of an alert source', () => {
	it('says what the source is, and back', () => {
		const { name, environment_id, severity, severities, group_by, secret_ref } = source;
		expect(draftOf(source).words).toEqual({ low: '', medium: '', high: 'sev2', critical: 'sev1, p0' });
		expect(inputOf(draftOf(source))).toEqual({ name, environment_id, severity, severities, group_by, secret_ref });
	});

	it('takes lists as people write them; a word that stands for two is the worse one', () => {
		const draft = draftOf(null);
		const words = { ...draft.words, low: ' a,, b;a\nc', critical: 'c' };
		const input = inputOf({ ...draft, name: 'x', words, group_by: 'alertname  cluster', secret_ref: 'hub:x' });
		expect(input).toMatchObject({
			severities: { a: 'low', b: 'low', c: 'critical' },
			group_by: ['alertname', 'cluster'],
			secret_ref: null,
		});
		const wrong = AlertSourceCreate.safeParse({ ...input, kind: draft.kind, severities: { 'a b': 'low' } }).error;
		expect(fieldMessage(wrong?.issues[0]?.message ?? '')).toContain('Only letters');
		expect(AlertSourceCreate.parse({ ...input, kind: draft.kind })).toMatchObject({ kind: 'alertmanager' });
	});
});
