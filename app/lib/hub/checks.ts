import type { HubStatus } from '#domain/hub.ts';

const MINUTE_MS = 60_000;
/** The clock seals each minute. */
const CLOCK_LATE_MS = 3 * MINUTE_MS;
const QUEUE_LATE_MS = 10 * MINUTE_MS;
/** What a D1 database may hold. */
export const RECORD_MAX_BYTES = 10 * 1024 ** 3;
const RECORD_FULL = 0.8;

export type CheckName = 'clock' | 'queue' | 'agents' | 'webhooks' | 'mails' | 'record';
export interface Check {
	name: CheckName;
	/** What wants looking at; null: nothing. */
	problem:
		| 'late'
		| 'waits'
		| 'none_online'
		| 'to_confirm'
		| 'disabled'
		| 'failing'
		| 'mail_settings'
		| 'unsent'
		| 'nearly_full'
		| null;
}

/** What of the hub's own state wants a look. */
export function checksOf(status: HubStatus): Check[] {
	const now = Date.parse(status.at);
	const longerThan = (at: string | null, ms: number) => at !== null && now - Date.parse(at) > ms;
	const { agents, webhooks, mails, record_bytes } = status;
	return [
		{ name: 'clock', problem: longerThan(status.audit.oldest_unsealed_at, CLOCK_LATE_MS) ? 'late' : null },
		{ name: 'queue', problem: longerThan(status.runs.oldest_queued_at, QUEUE_LATE_MS) ? 'waits' : null },
		{
			name: 'agents',
			problem:
				agents.pending + agents.quarantined > 0
					? 'to_confirm'
					: agents.online === 0 && agents.offline > 0
						? 'none_online'
						: null,
		},
		{ name: 'webhooks', problem: webhooks.disabled > 0 ? 'disabled' : webhooks.failing > 0 ? 'failing' : null },
		{
			name: 'mails',
			problem: mails.problems.length > 0 ? 'mail_settings' : mails.failed_last_day > 0 ? 'unsent' : null,
		},
		{
			name: 'record',
			problem: record_bytes !== null && record_bytes > RECORD_FULL * RECORD_MAX_BYTES ? 'nearly_full' : null,
		},
	];
}
