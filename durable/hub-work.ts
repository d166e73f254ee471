import { createHash, timingSafeEqual } from 'node:crypto';
import { utf8Length } from '#domain/bytes.ts';
import { CALLBACK_LOG_MAX, type Reported, type RunCallback } from '#domain/run-callback.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { Run } from '#domain/run.ts';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import { encodeFrame, Kind, Stream } from '#protocol/run-frames.ts';
import { ANSWER_MAX, type Ended, exchange, without } from '#protocol/run-request.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { toBase64url } from '#worker/services/bytes.ts';
import { outsideOf } from '#worker/outside.ts';
import { openHubSecret } from '#worker/services/hub_secrets/rows.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { awsKey } from '#worker/services/webhooks/sign-aws.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';
import { TokenBucket } from './core/token-bucket.ts';
import { callOf, type Request, send } from './hub-request.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunIntake } from './run-intake.ts';

/** While an answer is awaited the object is woken this often: it stays alive by that, and learns of it when it did not. */
const AWAKE_MS = 20_000;
/** An answer is not waited for much longer than its time limit, whatever becomes of that. */
const LATE_MS = 30_000;

/** Of one run, at once and per second. */
const CALLBACKS = 60;
const CALLBACKS_PER_S = 2;

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
	/** A callback ends the run at this moment. */
	#ending = false;
	readonly #callbacks = new TokenBucket(CALLBACKS, CALLBACKS_PER_S, Date.now());

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
		if (call.callback && !this.#env.UHUB_PUBLIC_URL)
			return this.#not(
				'start_failed',
				'The hub does not know its own address (UHUB_PUBLIC_URL), where the callback is to come.',
			);
		if (this.#desk.state.step !== 'queued') return 'gone';
		const callback = call.callback ? this.#newCallback(spec) : null;
		this.#course.step({ type: 'ask', patience_ms: call.timeout_s * 1000 + LATE_MS });
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

	/** Adds to the log, or ends the run; where several would, the first does. */
	async reported({ token, status, message, output }: RunCallback): Promise<Reported> {
		const { kept, log, state } = this.#desk;
		const known = kept.get('callback');
		if (!known || state.awaits === null || this.#ending || !sameHash(known.hash, token)) return 'void';
		if (!this.#callbacks.take(Date.now())) return 'too_many';
		const said = without(token, [output, ...(status === 'failed' ? [] : [message])].filter(Boolean).join('\n'));
		if (said !== '' && log.end.offset + utf8Length(said) <= ANSWER_MAX + CALLBACK_LOG_MAX)
			this.#say(Stream.stdout, said.endsWith('\n') ? said : `${said}\n`);
		if (status === 'running') return 'taken';
		this.#ending = true;
		const reason: Reason = { code: 'reported', message: without(token, message ?? 'It was reported as failed.') };
		if (status === 'failed') this.#say(Stream.stderr, `${reason.message}\n`);
		await this.#end({ outcome: status, reason: status === 'failed' ? reason : null });
		return 'taken';
	}

	/** The answer, if there was one, came to nobody. */
	async #orphaned(): Promise<void> {
		const callback = this.#desk.kept.get('callback');
		if (callback) this.#course.step({ type: 'begun', until: callback.until });
		else await this.#course.stepToEnd({ type: 'answer_lost' });
	}

	async #end(ended: Ended): Promise<void> {
		await this.#course.stepToEnd({ type: 'answered', epoch: this.#desk.state.epoch, ...ended });
	}

	/** A token of 256 bits, of which only the hash stays here. */
	#newCallback({ run_id, timeout_s }: RunSpec) {
		const token = toBase64url(crypto.getRandomValues(new Uint8Array(32)));
		this.#desk.kept.put('callback', { hash: hashOf(token), until: Date.now() + timeout_s * 1000 });
		return { url: new URL(`/api/hooks/runs/${String(run_id)}`, this.#env.UHUB_PUBLIC_URL).href, token };
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
					this.#say(Stream[stream], text);
				},
			});
			if (!ended) return;
			const { callback } = request;
			if (!callback || ended.outcome === 'failed') return await this.#end(ended);
			this.#say(Stream.stdout, '\nThe answer is taken. It goes on, and ends with a callback.\n');
			await this.#orphaned();
		} finally {
			this.#underWay = null;
			this.#desk.alarm.timers.set('awake', null);
		}
	}

	/** A part of the run's log, as the hub's own word. What is over says no more. */
	#say(stream: Stream, text: string): void {
		if (this.#desk.state.step === 'done') return;
		const payload = new TextEncoder().encode(text);
		this.#intake.take((log) =>
			log.bring(this.#desk.id, log.seq, [
				encodeFrame({ kind: Kind.log, stream, offset: log.end.offset, t_ms: Date.now(), payload }),
			]),
		);
	}

	#stayAwake(): void {
		this.#desk.alarm.timers.set('awake', Date.now() + AWAKE_MS);
		this.#desk.alarm.arm();
	}
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const sameHash = (hash: string, token: string): boolean =>
	timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(token)));
