import type { Run } from '#domain/run.ts';
import { type Answered, requestBody, requestId, TIMEOUT_S } from '#protocol/run-request.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { signedForAws } from '#worker/services/webhooks/sign-aws.ts';
import { signed } from '#worker/services/webhooks/sign.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';

/** What the hub asks of somebody else, as the configuration of a backend has it. */
export interface Call {
	url: string;
	method: string;
	headers: Record<string, string>;
	secret_ref: string;
	/** Whose way of signing the other end understands. */
	signature: 'standard' | 'aws';
	expected: number | null;
	timeout_s: number;
	callback: boolean;
}

/** Null where a run is no request of the hub's. */
export function callOf({ execution, timeout_s }: RunSpec): Call | null {
	if (execution.backend !== 'webhook' && execution.backend !== 'serverless') return null;
	const { config } = execution;
	if ('via' in config && config.via === 'agent') return null;
	const { url, secret_ref, callback = false } = config;
	const common = { url, secret_ref, callback, timeout_s: Math.min(config.timeout_s ?? TIMEOUT_S, timeout_s) };
	if ('provider' in config) {
		const signature = config.provider === 'lambda' ? 'aws' : 'standard';
		return { ...common, method: 'POST', headers: {}, signature, expected: null };
	}
	const { method = 'POST', headers = {}, expected_status: expected = null } = config;
	return { ...common, method, headers, signature: 'standard', expected };
}

export interface Request {
	run: Run;
	spec: RunSpec;
	call: Call;
	secret: string;
	/** Where and with what a callback may come; null: none is waited for. */
	callback: { url: string; token: string } | null;
}

/** Sends it, this once. */
export async function send(
	{ run, spec, call, secret, callback }: Request,
	outside: Outside,
	epoch: number,
	signal: AbortSignal,
): Promise<Answered> {
	const { url, method } = call;
	const id = requestId(spec.run_id, epoch);
	const body = JSON.stringify(requestBody(spec, run.attempt, callback));
	const named = { event: 'run.request', id, body, version: outside.version };
	const headers = new Headers(call.headers);
	const own =
		call.signature === 'aws'
			? await signedForAws(secret, { ...named, url, method }, Date.now())
			: await signed(secret, named, Date.now());
	for (const [name, value] of Object.entries({ ...own, 'idempotency-key': id, 'accept-encoding': 'identity' }))
		headers.set(name, value);
	return answeredBy(await outside.fetch(url, { method, redirect: 'manual', headers, body, signal }));
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
