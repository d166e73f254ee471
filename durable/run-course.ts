import type { RunChange } from '#worker/services/runs/apply.ts';
import { type RunEvent, type RunState, step, type Step } from './core/run-machine.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunWriter } from './run-writer.ts';
import type { Viewers } from './viewers.ts';

/** What changes of a run's steps is told together: a pause for each of them, up to a second. */
const STEPS_TOLD_MS_EACH = 5;
const STEPS_TOLD_MAX_MS = 1_000;

/** The course of a run: each event through its machine (core/run-machine.ts), and to all whom it concerns. */
export class RunCourse {
	readonly #desk: RunDesk;
	readonly #writer: RunWriter;
	readonly #viewers: Viewers;
	/** Its agent has no more part in the run, and a callback is to end it. */
	readonly #handedOver: () => void;
	#offerTimer: ReturnType<typeof setTimeout> | null = null;
	#stepsTimer: ReturnType<typeof setTimeout> | null = null;

	constructor(desk: RunDesk, writer: RunWriter, viewers: Viewers, handedOver: () => void) {
		this.#desk = desk;
		this.#writer = writer;
		this.#viewers = viewers;
		this.#handedOver = handedOver;
	}

	step(event: RunEvent): Step {
		const desk = this.#desk;
		const before = desk.state;
		const result = step(before, event, Date.now());
		const { state, free, requeued } = result;
		if (state === before) return result;
		const over = state.step === 'done';
		desk.kept.put('state', state);
		if (over) desk.steps.close(state.status, state.finished_at ?? new Date().toISOString());
		this.#await(state);
		this.#writer.changed(auditOf(before, state), over);
		this.#viewers.status(desk.statusFrame());
		// The link that said what led here frees the slot by the answer; where nobody said it, it has to be told.
		if (free && (event.type === 'cancel' || event.type === 'overdue'))
			desk.later(desk.link(free.agent_id).withdraw(desk.id, free.epoch));
		if (requeued) desk.later(desk.room().waitsAgain(desk.id));
		desk.alarm.arm();
		if (state.awaits === 'callback' && before.awaits !== 'callback') this.#handedOver();
		return result;
	}

	/** A step that may be the run's last: what its row then shows of the log is read first. */
	async stepToEnd(event: RunEvent): Promise<Step> {
		if (this.#desk.log.end.frames > 0) await this.#desk.excerpt();
		return this.step(event);
	}

	/** Steps began or ended. With many hosts that happens often, and each time the whole row would be told: so not at each. */
	stepsChanged(): void {
		if (this.#stepsTimer !== null) return;
		this.#stepsTimer = setTimeout(
			() => {
				this.#stepsTimer = null;
				if (this.#desk.state.step === 'done') return;
				this.#writer.changed(null);
				this.#viewers.status(this.#desk.statusFrame());
			},
			Math.min(STEPS_TOLD_MAX_MS, this.#desk.steps.all.length * STEPS_TOLD_MS_EACH),
		);
	}

	/** Has the step end when it has waited long enough. An offer is too short-lived for the alarm, which costs a write of its own. */
	#await({ step: at, due }: RunState) {
		if (this.#offerTimer !== null) clearTimeout(this.#offerTimer);
		const offering = due !== null && (at === 'offered' || at === 'accepted');
		this.#offerTimer = offering ? setTimeout(() => this.step({ type: 'overdue' }), due - Date.now()) : null;
		this.#desk.alarm.timers.set('due', offering ? null : due);
	}
}

/** What of a step is audited: that the run was handed to an agent or began in the hub, and how it ended. */
function auditOf(before: RunState, after: RunState): RunChange['audit'] {
	const { agent_id, epoch, status, exit_code, reason } = after;
	if ((after.step === 'granted' && before.step !== 'granted') || (after.awaits !== null && before.step === 'queued'))
		return { action: 'run.grant', metadata: { agent_id, epoch } };
	if (after.step === 'done')
		return { action: 'run.finish', metadata: { status, exit_code, reason: reason?.code ?? null } };
	return null;
}
