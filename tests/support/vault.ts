// What HashiCorp Vault documents of its HTTP API, as far as an agent uses it, over real TLS: AppRole, tokens with a lease, namespaces,
// and the key-value store, version 2 of it, with deleted and destroyed versions.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

interface Version {
	data: Record<string, unknown>;
	deletion_time: string;
	destroyed: boolean;
}
interface Token {
	/** Paths it may read begin with one of these. */
	policies: string[];
	ends_at: number;
	max_at: number;
	renewable: boolean;
}

export class VaultServer {
	readonly #server: Server;
	readonly #secrets = new Map<string, Version[]>();
	readonly #roles = new Map<string, { secret_id: string; policies: string[] }>();
	readonly #tokens = new Map<string, Token>();
	sealed = false;
	/** The one in which all of it lies; '' is the root. */
	namespace = '';
	/** Of tokens it gives out, in seconds; 0: for ever. */
	lease = 3600;
	max_lease = 7200;
	/** Answers something else than Vault would. */
	instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | null = null;
	/** `METHOD path`, in their order. */
	readonly asked: string[] = [];

	private constructor(server: Server) {
		this.#server = server;
	}

	static async start(tls: { key: Buffer; cert: Buffer }): Promise<VaultServer> {
		const server = createServer(tls);
		const vault = new VaultServer(server);
		server.on('request', (request, response) => void vault.#answer(request, response));
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return vault;
	}

	get address(): string {
		return `https://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
	}

	async stop(): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, 'close');
	}

	/** A new version; answers its number. `path` is `mount/path`. */
	write(path: string, data: Record<string, unknown>): number {
		const versions = this.#secrets.get(path) ?? [];
		versions.push({ data, deletion_time: '', destroyed: false });
		this.#secrets.set(path, versions);
		return versions.length;
	}

	delete(path: string, version: number, how: 'deleted' | 'destroyed'): void {
		const one = this.#secrets.get(path)?.[version - 1];
		if (!one) throw new Error('there is no such version');
		if (how === 'deleted') one.deletion_time = new Date().toISOString();
		else one.destroyed = true;
	}

	role(policies: string[]): { role_id: string; secret_id: string } {
		const role_id = crypto.randomUUID();
		const secret_id = crypto.randomUUID();
		this.#roles.set(role_id, { secret_id, policies });
		return { role_id, secret_id };
	}

	token(policies: string[], lease = this.lease): string {
		const token = `hvs.${randomBytes(24).toString('base64url')}`;
		const now = performance.now();
		const after = (s: number) => (s === 0 ? Infinity : now + s * 1000);
		this.#tokens.set(token, { policies, ends_at: after(lease), max_at: after(this.max_lease), renewable: lease > 0 });
		return token;
	}

	/** Ends every token there is. */
	revokeAll(): void {
		this.#tokens.clear();
	}

	get tokens(): string[] {
		return [...this.#tokens.keys()];
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const url = new URL(request.url ?? '', 'https://vault');
		const method = request.method ?? '';
		this.asked.push(`${method} ${url.pathname}${url.search}`);
		let text = '';
		for await (const part of request) text += String(part);
		if (this.instead?.(request, response)) return;
		const say = (status: number, body: object) => {
			response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
			response.end(JSON.stringify(body));
		};
		const errors = (status: number, ...all: string[]) => {
			say(status, { errors: all });
		};
		const denied = () => {
			errors(403, '1 error occurred:\n\t* permission denied\n\n');
		};
		if (this.sealed) return errors(503, 'Vault is sealed');
		if (request.headers['x-vault-request'] !== 'true') return errors(412, 'missing required request header');
		if ((request.headers['x-vault-namespace'] ?? '') !== this.namespace) return denied();

		if (method === 'POST' && url.pathname === '/v1/auth/approle/login') {
			const proof = JSON.parse(text) as { role_id?: string; secret_id?: string };
			const role = this.#roles.get(proof.role_id ?? '');
			if (role?.secret_id !== proof.secret_id) return errors(400, 'invalid role or secret ID');
			return say(200, this.#auth(this.token(role?.policies ?? [])));
		}
		const name = String(request.headers['x-vault-token'] ?? '');
		const token = this.#tokens.get(name);
		if (name === '') return errors(403, 'permission denied');
		if (!token || token.ends_at < performance.now())
			return errors(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');
		if (method === 'POST' && url.pathname === '/v1/auth/token/renew-self') {
			if (!token.renewable) return errors(400, 'lease is not renewable');
			token.ends_at = Math.min(token.max_at, performance.now() + this.lease * 1000);
			return say(200, this.#auth(name));
		}
		if (method === 'GET' && url.pathname === '/v1/auth/token/lookup-self') return say(200, { data: { id: name } });

		const [, mount = '', path = ''] = /^\/v1\/([^/]+)\/data\/(.+)$/.exec(url.pathname) ?? [];
		const at = `${mount}/${path}`;
		if (method !== 'GET' || !token.policies.some((prefix) => at.startsWith(prefix))) return denied();
		const versions = this.#secrets.get(at) ?? [];
		const wanted = Number(url.searchParams.get('version') ?? 0) || versions.length;
		const version = versions[wanted - 1];
		if (!version) return errors(404);
		const { data, deletion_time, destroyed } = version;
		const gone = destroyed || deletion_time !== '';
		const metadata = { created_time: new Date(0).toISOString(), custom_metadata: null, deletion_time, destroyed };
		say(gone ? 404 : 200, {
			request_id: crypto.randomUUID(),
			lease_id: '',
			renewable: false,
			lease_duration: 0,
			data: { data: gone ? null : data, metadata: { ...metadata, version: wanted } },
			wrap_info: null,
			warnings: null,
			auth: null,
		});
	}

	#auth(token: string) {
		const { ends_at, renewable, policies } = this.#tokens.get(token) ?? { ends_at: 0, renewable: false, policies: [] };
		const left = ends_at === Infinity ? 0 : Math.floor((ends_at - performance.now()) / 1000);
		const auth = { client_token: token, accessor: 'a', policies, metadata: {}, lease_duration: left, renewable };
		return { request_id: crypto.randomUUID(), lease_id: '', data: null, auth };
	}
}
