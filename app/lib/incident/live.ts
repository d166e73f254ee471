import { IncidentView } from '#domain/incident.ts';
import { live } from '#lib/live/live.svelte.ts';

export const incidents = live.also('incident', IncidentView);
