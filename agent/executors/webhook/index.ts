import { createHmac } from 'node:crypto';
import { Stream } from '#protocol/run-frames.ts';
import { exchange, GOES_ON, TIMEOUT_S } from '#protocol/run-request.ts';
import { signedContent, signedHeaders, signingKey } from '#protocol/signed-request.ts';
import { SecretUnavailable } from '../../own-secret.ts';
import { addressAllowed, type WebhookPolicy, type WebhookSpec } from '../../policy/webhook.ts';
import { VERSION } from '../../version.ts';
import {
	type Execution,
	type Executor,
	type Exit,
	type GoesOn,
	NotPrepared,
	type Output,
	STOPPED,
	type Task,
} from '../contract.ts';
import { allowedOnly, send } from './send.ts';

/** What finds the value of a reference, where the policy gives it to the project. */
type Resolve = (ref: string, project_id: number) => Promise<Buffer>;

/** A run that is a request, to where the hub does not go. Sent once: an agent that died meanwhile does not know what became of it. */
export const webhook = (policy: WebhookPolicy, resolve: Resolve): Executor => ({
	seen: () => null,
	async prepare(task) {
		const { execution, request } = task;
		if (execution.backend !== 'webhook' || !request) throw new NotPrepared('it is no request');
		const secret = await resolve(execution.config.secret_ref, task.project_id).catch((error: unknown) => {
			if (error instanceof SecretUnavailable) throw new NotPrepared(error.message, 'secret_unavailable');
			throw error;
		});
		const key = signingKey(secret.toString().replace(/\r?\n$/, ''));
		return new RequestExecution(task, execution.config, request, key, policy);
	},
	reap: () => Promise.resolve(),
});

class RequestExecution implements Execution {
	readonly cgroup = null;
	readonly #task: Task;
	readonly #config: WebhookSpec;
	readonly #request: NonNullable<Task['request']>;
	readonly #key: Uint8Array;
	readonly #policy: WebhookPolicy;
	readonly #stopped = new AbortController();
	#exit: Promise<Exit | GoesOn> | null = null;

	constructor(
		task: Task,
		config: WebhookSpec,
		request: NonNullable<Task['request']>,
		key: Uint8Array,
		policy: WebhookPolicy,
	) {
		this.#task = task;
		this.#config = config;
		this.#request = request;
		this.#key = key;
		this.#policy = policy;
	}

	start(output: Output): void {
		this.#exit = this.#carryOut(output);
	}

	wait(): Promise<Exit | GoesOn> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	/** What was begun elsewhere may go on there. */
	async stop(): Promise<void> {
		this.#stopped.abort();
		await this.#exit;
	}

	cleanUp(): Promise<void> {
		return Promise.resolve();
	}

	async #carryOut(output: Output): Promise<Exit | GoesOn> {
		const { url, method = 'POST', headers = {}, expected_status: expected = null, timeout_s: asked } = this.#config;
		const timeout_s = Math.min(asked ?? TIMEOUT_S, this.#task.timeout_s);
		const late = AbortSignal.timeout(timeout_s * 1000);
		const { signal: stopped } = this.#stopped;
		const { id, body, token } = this.#request;
		const letter = {
			url,
			method,
			headers: { ...lower(headers), ...this.#own(), 'content-length': String(Buffer.byteLength(body)) },
			body,
		};
		const lookup = allowedOnly((address) => addressAllowed(address, this.#policy.networks));
		const ended = await exchange({
			...{ method, url, expected, timeout_s, hidden: token, now: Date.now },
			send: () => send(letter, lookup, AbortSignal.any([stopped, late])),
			stopped: () => (stopped.aborted ? 'canceled' : late.aborted ? 'timeout' : null),
			say: (stream, text) => void output.write(Stream[stream], Buffer.from(text)),
		});
		if (!ended) return { kind: 'signal', signal: `giving up ${id}` };
		if (ended.reason) return { kind: 'failed', reason: ended.reason, code: null };
		if (token === null) return { kind: 'exit', code: 0 };
		void output.write(Stream.stdout, Buffer.from(GOES_ON));
		return { kind: 'goes_on' };
	}

	#own(): Record<string, string> {
		const { id, body } = this.#request;
		const timestamp = Math.floor(Date.now() / 1000);
		const hmac = createHmac('sha256', this.#key)
			.update(signedContent(id, timestamp, body))
			.digest('base64');
		const named = { event: 'run.request', id, timestamp, hmac, version: VERSION };
		return { ...signedHeaders(named), 'idempotency-key': id, 'accept-encoding': 'identity' };
	}
}

const lower = (headers: Record<string, string>): Record<string, string> =>
	Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
