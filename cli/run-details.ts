import type { Style } from './output.ts';
import type { Run } from './rows.ts';
import { details } from './table.ts';
import { moment, span, toneOf } from './words.ts';

/** One run, as it stands. */
export const runDetails = (run: Run, style: Style): string =>
	details(
		[
			['id', run.id],
			['job', run.job_id],
			['status', run.status, toneOf(run.status)],
			['phase', run.phase === 'done' ? null : run.phase],
			['why', run.reason?.message ?? null],
			['exit code', run.exit_code],
			['environment', run.environment_id],
			['agent', run.agent_id],
			['attempt', run.attempt > 1 ? run.attempt : null],
			['requested', moment(run.requested_at)],
			['started', moment(run.started_at)],
			['finished', moment(run.finished_at)],
			['took', span(run.duration)],
			[
				'parameters',
				Object.entries(run.parameters)
					.map(([name, value]) => `${name}=${value}`)
					.join('\n'),
			],
			['note', run.note],
			['log', `${String(run.log_lines)} lines, ${String(run.log_bytes)} bytes`],
		],
		style,
	);
