import { pageOf } from '#domain/common.ts';
import { IncidentView } from '#domain/incident.ts';

/** A page of incidents, as every list of them is answered. */
export const IncidentPage = pageOf(IncidentView);

/** What a list of incidents takes from the address. */
export const incidentFilters = [
	'q',
	'status',
	'active',
	'severity',
	'project_id',
	'environment_id',
	'sort',
	'cursor',
] as const;
