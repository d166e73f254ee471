import { z } from 'zod';
import { Id, Time } from './common.ts';

/** The means of a span of time. */
export const HostPoint = z.object({
	/** Where the span begins. */
	at: Time,
	cpu_load_1m: z.number(),
	/** The highest in the span: a mean hides what was short. */
	cpu_load_1m_max: z.number(),
	cpu_load_5m: z.number(),
	cpu_load_15m: z.number(),
	cpu_cores: z.int(),
	ram_used_gib: z.number(),
	ram_total_gib: z.number(),
	disk_used_gib: z.number(),
	disk_total_gib: z.number(),
});
export type HostPoint = z.infer<typeof HostPoint>;

/** A host over time, for a chart; spans without a report are left out. */
export const HostHistory = z.object({
	agent_id: Id,
	from: Time,
	to: Time,
	span_ms: z.int(),
	points: z.array(HostPoint),
});
export type HostHistory = z.infer<typeof HostHistory>;
