import type { Run } from '#domain/run.ts';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import { encodeFrame, Kind, Stream } from '#protocol/run-frames.ts';
import { type Answered, exchange, requestBody, requestId } from '#protocol/run-request.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { outsideOf } from '#worker/outside.ts';
import { openHubSecret } from '#worker/services/hub_secrets/rows.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { signed } from '#worker/services/webhooks/sign.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunIntake } from './run-intake.ts';

/** Of a webhook that says nothing else. */
const TIMEOUT_S = 60;
/** While an answer is awaited the object is woken this often: it stays alive by that, and learns of it when it did not. */
const AWAKE_MS = 20_000;
/** An answer is not waited for much longer than its time limit, whatever becomes of that. */
const LATE_MS = 30_000;

type Execution = Extract<RunSpec['execution'], { backend: 'webhook' }>;
interface Request {
	run: Run;
	spec: RunSpec;
	config: Execution['config'];
	secret: string;
}

/**
 * A run that the hub carries out itself, by a request. It is sent once: what is known before it leaves is that it may have left. Where
 * this object ends while it waits for the answer, nobody can know what became of the request, and the run is lost.
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
		if (desk.state.asking) desk.later(this.#course.stepToEnd({ type: 'answer_lost' }));
	}

	/** Sends the request of a run that waits. `gone`: it does not wait any more. */
	async begin(run: Run, spec: RunSpec): Promise<'offered' | 'gone'> {
		const { execution, project_id } = spec;
		if (execution.backend !== 'webhook') return 'gone';
		const { config } = execution;
		const outside = outsideOf(this.#env);
		if (!isAllowedAddress(config.url, outside.networks)) {
			const message =
				'Its address leads where the hub does not go: only to the open internet, and where an admin allows.';
			this.#course.step({ type: 'unrunnable', status: 'failed', reason: { code: 'http_refused', message } });
			return 'gone';
		}
		const secret = await openHubSecret(this.#desk.ctx, sealerOf(this.#env.UHUB_SECRET), project_id, config.secret_ref);
		if (secret === null) {
			const message = `The project has no key ${config.secret_ref}, or it was lost with the hub's own: set it anew.`;
			this.#course.step({ type: 'unrunnable', status: 'failed', reason: { code: 'secret_unavailable', message } });
			return 'gone';
		}
		if (this.#desk.state.step !== 'queued') return 'gone';
		const timeout_s = Math.min(config.timeout_s ?? TIMEOUT_S, spec.timeout_s);
		this.#course.step({ type: 'ask', patience_ms: timeout_s * 1000 + LATE_MS });
		this.#stayAwake();
		this.#desk.later(this.#carryOut({ run, spec, config, secret }, outside, timeout_s));
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
		else await this.#course.stepToEnd({ type: 'answer_lost' });
	}

	async #carryOut(request: Request, outside: Outside, timeout_s: number): Promise<void> {
		const { epoch } = this.#desk.state;
		const canceled = new AbortController();
		const late = AbortSignal.timeout(timeout_s * 1000);
		this.#underWay = canceled;
		try {
			// It is known that the request may have left before it does.
			await this.#storage.sync();
			const { method = 'POST', url, expected_status: expected = null } = request.config;
			const ended = await exchange({
				...{ method, url, expected, timeout_s, now: Date.now },
				send: () => this.#send(request, outside, epoch, AbortSignal.any([canceled.signal, late])),
				stopped: () => (canceled.signal.aborted ? 'canceled' : late.aborted ? 'timeout' : null),
				say: (stream, text) => {
					this.#say(Stream[stream], text);
				},
			});
			if (ended) await this.#course.stepToEnd({ type: 'answered', epoch, ...ended });
		} finally {
			this.#underWay = null;
			this.#desk.alarm.timers.set('awake', null);
		}
	}

	async #send(
		{ run, spec, config, secret }: Request,
		outside: Outside,
		epoch: number,
		signal: AbortSignal,
	): Promise<Answered> {
		const id = requestId(spec.run_id, epoch);
		const body = JSON.stringify(requestBody(spec, run.attempt));
		const headers = new Headers(config.headers);
		const own = await signed(secret, { event: 'run.request', id, body, version: outside.version }, Date.now());
		for (const [name, value] of Object.entries({ ...own, 'idempotency-key': id, 'accept-encoding': 'identity' }))
			headers.set(name, value);
		const { method = 'POST', url } = config;
		return answeredBy(await outside.fetch(url, { method, redirect: 'manual', headers, body, signal }));
	}

	/** A part of the run's log, as the hub's own word. */
	#say(stream: Stream, text: string): void {
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

function answeredBy(response: Response): Answered {
	const body: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
	return {
		status: response.status,
		statusText: response.statusText,
		header: (name) => response.headers.get(name),
		read: async () => (await body?.read())?.value ?? null,
		// Whether that works is the other end's affair.
		drop: () => void body?.cancel().catch(() => undefined),
	};
}
