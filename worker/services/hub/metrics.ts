import type { Ctx } from '../context.ts';
import { readStatus } from './status.ts';

interface Sample {
	labels?: Record<string, string>;
	value: number;
}

/** The hub in numbers, for Prometheus. Every set of labels is a fixed one. */
export async function readMetrics(ctx: Ctx, version: string): Promise<string> {
	const { runs, agents, incidents, webhooks, audit } = await readStatus(ctx, 'hub.metrics', version);
	const by = (label: string, counts: Record<string, number>): Sample[] =>
		Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }));
	const { queued, running, oldest_queued_at: since } = runs;
	return [
		gauge('uhub_info', 'The hub that answers.', [{ labels: { version }, value: 1 }]),
		gauge('uhub_runs', 'Runs that are not over.', by('status', { queued, running })),
		gauge('uhub_runs_queue_oldest_seconds', 'For how long the first of the queue has waited.', [
			{ value: since === null ? 0 : Math.max(0, ctx.now() - Date.parse(since)) / 1000 },
		]),
		gauge('uhub_runs_ended_last_hour', 'Runs that ended in the last hour.', by('status', runs.ended_last_hour)),
		gauge('uhub_agents', 'Agents by status.', by('status', agents)),
		gauge('uhub_incidents_open', 'Incidents that are open or mitigated.', by('severity', incidents)),
		gauge('uhub_webhook_deliveries_waiting', 'What webhooks are still to be told.', [{ value: webhooks.waiting }]),
		gauge('uhub_webhooks_disabled', 'Webhooks the hub gave up on.', [{ value: webhooks.disabled }]),
		gauge('uhub_audit_unsealed', 'Audit rows that are not sealed into the chain yet.', [{ value: audit.unsealed }]),
	].join('');
}

const escaped = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

function gauge(name: string, help: string, samples: readonly Sample[]): string {
	const lines = samples.map(({ labels = {}, value }) => {
		const set = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
		return `${name}${set.length > 0 ? `{${set.join(',')}}` : ''} ${String(value)}\n`;
	});
	return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}
