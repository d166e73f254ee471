import type { AlertPreview, AlertSourceKind } from '#domain/alert.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const sourceKind: Words<AlertSourceKind> = {
	alertmanager: () => 'Alertmanager',
	grafana: () => 'Grafana',
	centreon: () => 'Centreon',
	generic: m.alert_source_generic,
};

export const does: Words<AlertPreview['alerts'][number]['does']> = {
	open: m.alert_opens,
	note: m.alert_notes,
	ignore: m.alert_ignores,
	leave_out: m.alert_leaves_out,
};
