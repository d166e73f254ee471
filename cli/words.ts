import type { AgentStatus } from '#domain/agent.ts';
import type { IncidentStatus, Severity } from '#domain/incident.ts';
import type { JobStatus } from '#domain/job.ts';
import type { ProjectStatus } from '#domain/project.ts';
import type { RunStatus } from '#domain/run.ts';
import type { Tone } from './output.ts';

const tones = new Map<string, Tone | null>(
	Object.entries({
		queued: 'dim',
		draft: 'dim',
		planned: null,
		running: 'warn',
		success: 'good',
		failed: 'bad',
		canceled: 'dim',
		lost: 'bad',
		open: 'bad',
		mitigated: 'warn',
		resolved: 'good',
		closed: 'dim',
		pending: 'warn',
		online: 'good',
		offline: 'bad',
		quarantined: 'bad',
		revoked: 'dim',
		active: null,
		paused: 'warn',
		archived: 'dim',
		low: 'dim',
		medium: null,
		high: 'warn',
		critical: 'bad',
	} satisfies Record<RunStatus | JobStatus | IncidentStatus | AgentStatus | ProjectStatus | Severity, Tone | null>),
);

/** How a status looks; it is never told by colour alone. */
export const toneOf = (status: string): Tone | null => tones.get(status) ?? null;

const local = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

/** A moment in the time of this machine: `2026-01-31 09:05`. */
export const moment = (time: string | null): string | null => (time === null ? null : local.format(new Date(time)));

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long something took: `3.2 s`, `2 min 5 s`, `1 h 3 min`. */
export function span(ms: number | null): string | null {
	if (ms === null) return null;
	if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
	if (ms < HOUR) return `${String(Math.floor(ms / MINUTE))} min ${String(Math.floor((ms % MINUTE) / SECOND))} s`;
	return `${String(Math.floor(ms / HOUR))} h ${String(Math.floor((ms % HOUR) / MINUTE))} min`;
}
