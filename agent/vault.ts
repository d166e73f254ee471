import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { z } from 'zod';
import { type VaultRef, vaultRef } from '#domain/vault-ref.ts';
import { codeOf } from './failure.ts';
import { ownSecret, SecretUnavailable } from './own-secret.ts';
import type { VaultPolicy } from './policy/vault.ts';

const BODY_MAX = 1_048_576;
/** A token is renewed, or made anew, when less than this part of its time is left. */
const RENEW_AT = 1 / 3;

const Auth = z.object({
	auth: z.object({
		client_token: z.string().min(1),
		/** Seconds; 0: for ever. */
		lease_duration: z.number().min(0),
		renewable: z.boolean().default(false),
	}),
});
const Errors = z.object({ errors: z.array(z.string()) });
const Found = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) });
/** What is answered, with 404, where a version was deleted or destroyed. */
const Gone = z.object({
	data: z.object({ data: z.null(), metadata: z.object({ version: z.int(), destroyed: z.boolean() }) }),
});

interface Session {
	token: string;
	renewable: boolean;
	/** Milliseconds of the process's clock; Infinity: it lives on. */
	renew_at: number;
	ends_at: number;
}

interface Answer {
	status: number;
	body: unknown;
}

/** Vault's own word on a look-up. It names paths and fields, never a value or a token. */
class VaultError extends SecretUnavailable {}

/** The key-value store (version 2) of a HashiCorp Vault, or of what speaks like one. */
export class Vault {
	readonly #policy: VaultPolicy;
	#session: Session | null = null;
	#entering: Promise<Session> | null = null;

	constructor(policy: VaultPolicy) {
		this.#policy = policy;
	}

	/** The value behind a reference. Throws `SecretUnavailable`, with a sentence that tells what is wrong apart. */
	async read(text: string): Promise<Buffer> {
		const ref = vaultRef(text);
		if (!ref) throw new SecretUnavailable(`${text} is no reference to Vault's key-value store`);
		const deadline = AbortSignal.timeout(this.#policy.timeout_s * 1000);
		const { status, body } = await this.#asked('GET', pathOf(ref), deadline);
		if (status === 404) throw new VaultError(await this.#whyMissing(text, ref, body, deadline));
		const found = status === 200 ? Found.safeParse(body) : null;
		if (!found?.success) throw new VaultError(`${text}: ${whyRefused(status, body)}`);
		const { data } = found.data.data;
		const value = Object.hasOwn(data, ref.field) ? data[ref.field] : undefined;
		if (value === undefined) throw new VaultError(`${text}: there is no field ${ref.field} at that path`);
		if (typeof value !== 'string' && typeof value !== 'number')
			throw new VaultError(`${text}: the field ${ref.field} is no text`);
		return Buffer.from(String(value));
	}

	/** For `doctor`: logs in and asks what the token is. Throws `SecretUnavailable`. */
	async check(): Promise<void> {
		const deadline = AbortSignal.timeout(this.#policy.timeout_s * 1000);
		const { status, body } = await this.#asked('GET', '/v1/auth/token/lookup-self', deadline);
		if (status !== 200) throw new VaultError(whyRefused(status, body));
	}

	/** A deleted version says so; a version that never was is told from a path that never was by a second look. */
	async #whyMissing(text: string, ref: VaultRef, body: unknown, deadline: AbortSignal): Promise<string> {
		const gone = Gone.safeParse(body).data?.data.metadata;
		if (gone) return `${text}: version ${String(gone.version)} was ${gone.destroyed ? 'destroyed' : 'deleted'}`;
		const none = `${text}: there is nothing at that path`;
		if (ref.version === null) return none;
		const newest = await this.#asked('GET', pathOf({ ...ref, version: null }), deadline);
		const there = newest.status === 200 || Gone.safeParse(newest.body).success;
		return there ? `${text}: there is no version ${String(ref.version)}` : none;
	}

	/** Asks with a token. One that was revoked or has run out is made anew, once. */
	async #asked(method: 'GET' | 'POST', path: string, deadline: AbortSignal): Promise<Answer> {
		const session = await this.#enter(deadline);
		const answer = await this.#send(method, path, session.token, null, deadline);
		if (answer.status !== 403) return answer;
		if (this.#session === session) this.#session = null;
		const again = await this.#enter(deadline);
		return again.token === session.token ? answer : this.#send(method, path, again.token, null, deadline);
	}

	/** One log-in at a time, however many runs ask. */
	#enter(deadline: AbortSignal): Promise<Session> {
		const now = performance.now();
		if (this.#session && now < this.#session.renew_at) return Promise.resolve(this.#session);
		this.#entering ??= this.#renewed(now, deadline)
			.then((session) => (this.#session = session))
			.finally(() => (this.#entering = null));
		return this.#entering;
	}

	async #renewed(now: number, deadline: AbortSignal): Promise<Session> {
		const old = this.#session;
		if (old?.renewable && now < old.ends_at) {
			const renewed = await this.#send('POST', '/v1/auth/token/renew-self', old.token, {}, deadline);
			const { auth } = (renewed.status === 200 && Auth.safeParse(renewed.body).data) || {};
			// At the end of the longest time it may live, it is renewed for next to nothing.
			if (auth && auth.lease_duration > 1) return sessionOf(auth, now);
		}
		return this.#logIn(now, deadline);
	}

	async #logIn(now: number, deadline: AbortSignal): Promise<Session> {
		const { auth } = this.#policy;
		if ('token' in auth) {
			const token = await ownSecret(auth.token);
			return { token, renewable: false, renew_at: Infinity, ends_at: Infinity };
		}
		const { mount, role_id, secret_id } = auth.approle;
		const proof = { role_id: await ownSecret(role_id), secret_id: await ownSecret(secret_id) };
		const { status, body } = await this.#send('POST', `/v1/auth/${mount}/login`, null, proof, deadline);
		const answer = status === 200 ? Auth.safeParse(body) : null;
		if (answer?.success) return sessionOf(answer.data.auth, now);
		throw new VaultError(
			status === 400 || status === 403
				? 'Vault does not let the agent in: its role or secret id is not valid (any more)'
				: whyRefused(status, body),
		);
	}

	async #send(
		method: 'GET' | 'POST',
		path: string,
		token: string | null,
		body: object | null,
		deadline: AbortSignal,
	): Promise<Answer> {
		const { address, ca, server_name, namespace } = this.#policy;
		const trusted = ca === null ? undefined : await readFile(ca).catch(() => null);
		if (trusted === null) throw new VaultError(`Vault's certificate cannot be checked: ${ca ?? ''} cannot be read`);
		const text = body === null ? null : JSON.stringify(body);
		const headers = {
			'x-vault-request': 'true',
			...(token !== null && { 'x-vault-token': token }),
			...(namespace !== null && { 'x-vault-namespace': namespace }),
			...(text !== null && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
		};
		return new Promise<Answer>((resolve, reject) => {
			const failed = (error: unknown) => {
				reject(error instanceof VaultError ? error : new VaultError(whyUnreachable(error, deadline)));
			};
			const sent = request(new URL(path, address), {
				method,
				headers,
				signal: deadline,
				// A connection of its own: what a look-up is told never waits for another's.
				agent: false,
				minVersion: 'TLSv1.2',
				...(trusted && { ca: trusted }),
				...(server_name !== null && { servername: server_name }),
			});
			sent.once('error', failed);
			sent.once('response', (response) => {
				const parts: Buffer[] = [];
				let size = 0;
				response.once('error', failed);
				response.on('data', (part: Buffer) => {
					size += part.length;
					if (size <= BODY_MAX) parts.push(part);
					else sent.destroy(new VaultError('Vault answers with more than 1 MiB'));
				});
				response.once('end', () => {
					resolve({ status: response.statusCode ?? 0, body: jsonOf(Buffer.concat(parts)) });
				});
			});
			sent.end(text ?? undefined);
		});
	}
}

const pathOf = ({ mount, path, version }: VaultRef): string =>
	`/v1/${mount}/data/${path}${version === null ? '' : `?version=${String(version)}`}`;

function sessionOf({ client_token, lease_duration, renewable }: z.infer<typeof Auth>['auth'], now: number): Session {
	const lasts = lease_duration === 0 ? Infinity : lease_duration * 1000;
	return { token: client_token, renewable, renew_at: now + lasts * (1 - RENEW_AT), ends_at: now + lasts };
}

/** Undefined for what is not JSON: a proxy's page, most likely. */
function jsonOf(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString());
	} catch {
		return undefined;
	}
}

/** Only its own known words are repeated of what it says: others could hold what must not be told. */
function whyRefused(status: number, body: unknown): string {
	const said = Errors.safeParse(body).data?.errors.join(' ') ?? '';
	if (status === 503) return said.includes('sealed') ? 'Vault is sealed' : 'Vault is not available (503)';
	if (status === 403) return "Vault denies it to the agent's role or token (permission denied)";
	if (status === 429) return 'Vault has no room for more requests (429)';
	if (status >= 300 && status < 400)
		return 'Vault sends the agent elsewhere, where it does not go: name the active node';
	return `Vault does not answer as one (${String(status)})`;
}

const wrongCertificate =
	/^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA|EPROTO|ERR_SSL_)/;

function whyUnreachable(error: unknown, deadline: AbortSignal): string {
	if (deadline.aborted) return 'Vault does not answer in time';
	const code = codeOf(error);
	if (wrongCertificate.test(code)) return `Vault's certificate is not the one expected (${code})`;
	return `Vault cannot be reached${code && ` (${code})`}`;
}
