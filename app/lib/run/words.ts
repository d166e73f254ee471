import type { StepStatus } from '#domain/run-step.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const stepStatus: Words<StepStatus> = {
	running: m.run_running,
	success: m.run_success,
	failed: m.run_failed,
	canceled: m.run_canceled,
	skipped: m.step_skipped,
	lost: m.run_lost,
};
