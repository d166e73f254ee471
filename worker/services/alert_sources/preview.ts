import type { AlertPreview } from '#domain/alert.ts';
import { planOf } from '../alerts/plan.ts';
import type { Ctx } from '../context.ts';
import { enterSource } from './rows.ts';

/** What a delivery would do. Nothing is changed. */
export async function previewAlerts(ctx: Ctx, id: number, payload: unknown): Promise<AlertPreview> {
	const { source } = await enterSource(ctx, 'alert_source.preview', id);
	const { steps, taken } = await planOf(ctx, source, payload);
	return {
		taken,
		alerts: steps.map(({ title, status, severity, key, does, incident }) => ({
			title,
			status,
			severity,
			key,
			does,
			incident: incident && { id: incident.id, status: incident.status },
		})),
	};
}
