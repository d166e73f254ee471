import type { IncidentStatus, Severity } from '#domain/incident.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const severity: Words<Severity> = {
	low: m.severity_low,
	medium: m.severity_medium,
	high: m.severity_high,
	critical: m.severity_critical,
};

export const incidentStatus: Words<IncidentStatus> = {
	open: m.incident_open,
	mitigated: m.incident_mitigated,
	resolved: m.incident_resolved,
	closed: m.incident_closed,
};
