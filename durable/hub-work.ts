import type { Reason } from '#domain/run-reason.ts';
import type { Run } from '#domain/run.ts';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import { Stream } from '#protocol/run-frames.ts';
import { callbackUrl, type Ended, exchange, GOES_ON } from '#protocol/run-request.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { toBase64url } from '#worker/services/bytes.ts';
import { outsideOf } from '#worker/outside.ts';
import { openHubSecret } from '#worker/services/hub_secrets/rows.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { awsKey } from '#worker/services/webhooks/sign-aws.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';
import { hashOf } from './callbacks.ts';
import type { Callback } from './core/run-machine.ts';
import { callOf, type Request, send } from './hub-request.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunIntake } from './run-intake.ts';

/** While an answer is awaited the object is woken this often: it stays alive by that, and learns of it when it did not. */
const AWAKE_MS = 20_000;
/** An answer is not waited for much longer than its time limit, whatever becomes of that. */
const LATE_MS = 30_000;

/**
 * A run that the hub carries out itself, by a request. It is sent once: what is known before it leaves is that it may have left. Where
 * this object ends while it waits for the answer, nobody can know what became of the request, and the run is lost; unless a callback is to
 * tell of its end: that is waited for, whatever became of the answer.
 */
export class HubWork {
	readonly #env: Env;
	readonly #storage: DurableObjectStorage;
	readonly #desk: RunDesk;
	readonly #course: RunCourse;
	readonly #intake: RunIntake;
	/** The request that is under way; its signal says why it was given up. */
	#underWay: AbortController | null = null;

	constructor(env: Env, storage: DurableObjectStorage, desk: RunDesk, course: RunCourse, intake: RunIntake) {
		this.#env = env;
		this.#storage = storage;
		this.#desk = desk;
		this.#course = course;
		this.#intake = intake;
		if (desk.state.awaits === 'answer') desk.later(this.#orphaned());
	}

	/** Sends the request of a run that waits. `gone`: it does not wait any more. */
	async begin(run: Run, spec: RunSpec): Promise<'offered' | 'gone'> {
		const call = callOf(spec);
		if (!call)
			return this.#not('bad_request', 'It is not for the hub itself any more: where it takes place was changed.');
		const outside = outsideOf(this.#env);
		if (!isAllowedAddress(call.url, outside.networks))
			return this.#not(
				'http_refused',
				'Its address leads where the hub does not go: only to the open internet, and where an admin allows.',
			);
		const secret = await openHubSecret(
			this.#desk.ctx,
			sealerOf(this.#env.UHUB_SECRET),
			spec.project_id,
			call.secret_ref,
		);
		if (secret === null)
			return this.#not(
				'secret_unavailable',
				`The project has no key ${call.secret_ref}, or it was lost with the hub's own: set it anew.`,
			);
		if (call.signature === 'aws' && !awsKey(secret))
			return this.#not(
				'secret_unavailable',
				`The key ${call.secret_ref} is none of AWS: set it as ACCESS_KEY_ID:SECRET.`,
			);
		const hub = this.#env.UHUB_PUBLIC_URL;
		if (call.callback && !hub)
			return this.#not(
				'start_failed',
				'The hub does not know its own address (UHUB_PUBLIC_URL), where the callback is to come.',
			);
		if (this.#desk.state.step !== 'queued') return 'gone';
		const { callback, awaited } =
			call.callback && hub ? this.#newCallback(spec, hub) : { callback: null, awaited: null };
		this.#course.step({ type: 'ask', patience_ms: call.timeout_s * 1000 + LATE_MS, callback: awaited });
		this.#stayAwake();
		this.#desk.later(this.#carryOut({ run, spec, call, secret, callback }, outside));
		return 'offered';
	}

	/** The request is given up, if one is under way. */
	async cancel(): Promise<void> {
		this.#underWay?.abort();
		await this.#course.stepToEnd({ type: 'cancel' });
	}

	/** The alarm rang: either the answer is still awaited here, or nobody awaits it. */
	async awake(): Promise<void> {
		if (this.#underWay) this.#stayAwake();
		else await this.#orphaned();
	}

	/** The answer, if there was one, came to nobody. */
	async #orphaned(): Promise<void> {
		await this.#course.stepToEnd({ type: 'answer_lost' });
	}

	async #end(ended: Ended): Promise<void> {
		await this.#course.stepToEnd({ type: 'answered', epoch: this.#desk.state.epoch, ...ended });
	}

	/** A token of 256 bits, of which only the hash stays here. */
	#newCallback({ run_id, timeout_s }: RunSpec, hub: string) {
		const token = toBase64url(crypto.getRandomValues(new Uint8Array(32)));
		const awaited: Callback = { hash: hashOf(token), until: Date.now() + timeout_s * 1000, told: null };
		return { callback: { url: callbackUrl(hub, run_id), token }, awaited };
	}

	/** It cannot be sent, and so ends before it began. */
	#not(code: Reason['code'], message: string): 'gone' {
		this.#course.step({ type: 'unrunnable', status: 'failed', reason: { code, message } });
		return 'gone';
	}

	async #carryOut(request: Request, outside: Outside): Promise<void> {
		const { method, url, expected, timeout_s } = request.call;
		const { epoch } = this.#desk.state;
		const canceled = new AbortController();
		const late = AbortSignal.timeout(timeout_s * 1000);
		this.#underWay = canceled;
		try {
			// It is known that the request may have left before it does.
			await this.#storage.sync();
			const ended = await exchange({
				...{ method, url, expected, timeout_s, now: Date.now, hidden: request.callback?.token ?? null },
				send: () => send(request, outside, epoch, AbortSignal.any([canceled.signal, late])),
				stopped: () => (canceled.signal.aborted ? 'canceled' : late.aborted ? 'timeout' : null),
				say: (stream, text) => {
					this.#intake.say(Stream[stream], text);
				},
			});
			if (!ended) return;
			if (!request.callback || ended.outcome === 'failed') return await this.#end(ended);
			this.#intake.say(Stream.stdout, GOES_ON);
			this.#course.step({ type: 'begun' });
		} finally {
			this.#underWay = null;
			this.#desk.alarm.timers.set('awake', null);
		}
	}

	#stayAwake(): void {
		this.#desk.alarm.timers.set('awake', Date.now() + AWAKE_MS);
		this.#desk.alarm.arm();
	}
}
