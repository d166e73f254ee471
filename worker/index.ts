import { app } from './app.ts';
import { systemCtx } from './http/context.ts';
import { sealAudit } from './services/audit/seal.ts';
import { tidy } from './services/hub/tidy.ts';
import { tellDue } from './services/notifications/due.ts';
import { sweepRuns } from './services/runs/sweep.ts';

export { AgentLink } from '#durable/agent-link.ts';
export { HubRoom } from '#durable/hub-room.ts';
export { ProjectRoom } from '#durable/project-room.ts';
export { RunStream } from '#durable/run-stream.ts';

export default {
	fetch: app.fetch,
	async scheduled(_event, env, execution) {
		const ctx = systemCtx(env, execution);
		await Promise.all([sweepRuns(ctx), sealAudit(ctx), tidy(ctx), tellDue(ctx), ctx.deliver()]);
	},
} satisfies ExportedHandler<Env>;
