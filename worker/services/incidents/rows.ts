import { type Incident, incidentTimes, type IncidentView } from '#domain/incident.ts';
import type { RowChange } from '../context.ts';

export const viewOf = (row: Incident): IncidentView => ({ ...row, ...incidentTimes(row) });

/** What open pages are told of an incident, and of what was written into its timeline with it. */
export const changesFor = (incident: Incident, entries: readonly { id: number }[] = []): RowChange[] => [
	{ project_id: incident.project_id, entity: 'incident', id: incident.id, row: viewOf(incident) },
	...entries.map((row): RowChange => ({ project_id: incident.project_id, entity: 'incident_entry', id: row.id, row })),
];
