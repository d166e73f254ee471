import { IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentLinkView } from '#domain/incident-link.ts';
import { live } from '#lib/live/live.svelte.ts';

// Apart from the incidents themselves, which the first page shows.

export const entries = live.also('incident_entry', IncidentEntry);
export const links = live.also('incident_link', IncidentLinkView);
