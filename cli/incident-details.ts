import type { Style } from './output.ts';
import type { Incident } from './rows.ts';
import { details } from './table.ts';
import { moment, span, toneOf } from './words.ts';

/** One incident, as it stands. */
export const incidentDetails = (incident: Incident, style: Style): string =>
	details(
		[
			['id', incident.id],
			['title', incident.title, 'strong'],
			['severity', incident.severity, toneOf(incident.severity)],
			['status', incident.status, toneOf(incident.status)],
			['project', incident.project_id],
			['environment', incident.environment_id],
			['detected', moment(incident.detected_at)],
			['acknowledged', moment(incident.acknowledged_at)],
			['mitigated', moment(incident.mitigated_at)],
			['resolved', moment(incident.resolved_at)],
			['closed', moment(incident.closed_at)],
			['resolved in', span(incident.mttr)],
			['about', incident.description],
		],
		style,
	);
