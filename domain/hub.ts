import { z } from 'zod';
import type { AgentStatus } from './agent.ts';
import { Time } from './common.ts';
import type { Severity } from './incident.ts';
import { MailHealth } from './mail.ts';
import type { finalRunStatuses } from './run.ts';

type FinalRunStatus = (typeof finalRunStatuses)[number];

const count = z.int().min(0);

/** How the hub itself is. */
export const HubStatus = z.object({
	version: z.string(),
	at: Time,
	/** How long the record took to answer, in ms. */
	record_ms: z.number(),
	/** How much the record holds, in bytes; null where nobody can say. */
	record_bytes: count.nullable(),
	runs: z.object({
		queued: count,
		running: count,
		/** Since when the first of the queue waits; null: nothing does. */
		oldest_queued_at: Time.nullable(),
		ended_last_hour: z.object({ success: count, failed: count, canceled: count, lost: count } satisfies Record<
			FinalRunStatus,
			typeof count
		>),
	}),
	agents: z.object({
		pending: count,
		online: count,
		offline: count,
		quarantined: count,
		revoked: count,
	} satisfies Record<AgentStatus, typeof count>),
	/** Open or mitigated. */
	incidents: z.object({ low: count, medium: count, high: count, critical: count } satisfies Record<
		Severity,
		typeof count
	>),
	webhooks: z.object({ waiting: count, failing: count, disabled: count }),
	mails: MailHealth,
	audit: z.object({
		rows: count,
		unsealed: count,
		/** The first row that is not sealed yet: long ago, and the hub's clock stands still. */
		oldest_unsealed_at: Time.nullable(),
	}),
	people: z.object({ active: count, sessions: count, tokens: count }),
});
export type HubStatus = z.infer<typeof HubStatus>;
