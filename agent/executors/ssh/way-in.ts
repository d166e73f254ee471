import type { Duplex } from 'node:stream';
import { type Client, type ParsedKey, utils } from 'ssh2';
import type { TargetHost } from '#domain/target.ts';
import type { SshSetup } from '#protocol/run-spec.ts';
import { SecretUnavailable } from '../../own-secret.ts';
import type { SshPolicy } from '../../policy/ssh.ts';
import { NotPrepared } from '../contract.ts';
import { type Address, connect, type Way } from './connection.ts';
import { HostFailure } from './failure.ts';
import { KnownHosts, NoKnownHosts } from './known-hosts.ts';

export type Resolve = (ref: string, project_id: number) => Promise<Buffer>;

/** How the hosts of one run are reached: with its key, directly or through its jump host, which is connected to once. */
export class WayIn {
	readonly #setup: SshSetup;
	readonly #way: Way;
	#jump: Promise<Client> | null = null;

	private constructor(setup: SshSetup, way: Way) {
		this.#setup = setup;
		this.#way = way;
	}

	/** Throws `NotPrepared`. */
	static async open(setup: SshSetup, project_id: number, policy: SshPolicy, resolve: Resolve): Promise<WayIn> {
		try {
			const known = await KnownHosts.read(policy.known_hosts);
			const key = await readKey(setup, project_id, resolve);
			const timeout_ms = policy.connect_timeout_s * 1000;
			return new WayIn(setup, { known, file: policy.known_hosts, key, timeout_ms });
		} catch (error) {
			if (error instanceof NoKnownHosts) throw new NotPrepared(error.message, 'host_key_unknown');
			if (error instanceof SecretUnavailable) throw new NotPrepared(error.message, 'secret_unavailable');
			throw error;
		}
	}

	/** How long a host may take to answer. */
	get timeout_ms(): number {
		return this.#way.timeout_ms;
	}

	/** Throws `HostFailure`. */
	async connect(host: TargetHost, stopped: AbortSignal): Promise<Client> {
		const { user, port = 22 } = this.#setup;
		const to: Address = { address: host.address, port: host.port ?? port, user: host.user ?? user };
		return connect(to, this.#way, stopped, await this.#through(to, stopped));
	}

	close(): void {
		void this.#jump?.then(
			(client) => client.end(),
			() => undefined,
		);
	}

	async #through(to: Address, stopped: AbortSignal): Promise<Duplex | undefined> {
		const { jump, user } = this.#setup;
		if (!jump) return undefined;
		const at = { address: jump.host, port: jump.port ?? 22, user: jump.user ?? user };
		this.#jump ??= this.#connectJump(at, stopped);
		return forward(await this.#jump, to, this.#way.timeout_ms);
	}

	async #connectJump(at: Address, stopped: AbortSignal): Promise<Client> {
		try {
			const client = await connect(at, this.#way, stopped);
			client.once('close', () => (this.#jump = null));
			return client;
		} catch (error) {
			this.#jump = null;
			if (error instanceof HostFailure)
				throw new HostFailure(error.reason.code, `The jump host: ${error.reason.message}`);
			throw error;
		}
	}
}

/** Has the jump host open a connection. Throws `HostFailure`. */
const forward = (jump: Client, { address, port }: Address, timeout_ms: number): Promise<Duplex> =>
	new Promise((resolve, reject) => {
		const fail = (code: 'host_unreachable' | 'connection_refused', why: string) => {
			clearTimeout(timer);
			reject(new HostFailure(code, `${address} is not reached through the jump host: ${why}.`));
		};
		const timer = setTimeout(() => {
			fail('host_unreachable', `no answer within ${String(timeout_ms / 1000)} s`);
		}, timeout_ms);
		jump.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
			if (error) fail(/refused/i.test(error.message) ? 'connection_refused' : 'host_unreachable', error.message);
			else if (timer.hasRef()) {
				clearTimeout(timer);
				resolve(channel);
			}
		});
	});

async function readKey(setup: SshSetup, project_id: number, resolve: Resolve): Promise<ParsedKey> {
	const { key_ref, passphrase_ref } = setup;
	const [text, passphrase] = await Promise.all([
		resolve(key_ref, project_id),
		passphrase_ref === undefined ? undefined : resolve(passphrase_ref, project_id),
	]);
	const bare = passphrase?.toString().replace(/\r?\n$/, '');
	const parsed: unknown = utils.parseKey(text, bare);
	const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
	if (isPrivate(key)) return key;
	const why = key instanceof Error ? ` (${key.message})` : '';
	throw new SecretUnavailable(`${key_ref} is not a private key in OpenSSH's format that can be read${why}`);
}

const isPrivate = (key: unknown): key is ParsedKey =>
	typeof key === 'object' &&
	key !== null &&
	'isPrivateKey' in key &&
	typeof key.isPrivateKey === 'function' &&
	key.isPrivateKey() === true;
