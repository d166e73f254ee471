import type { Duplex } from 'node:stream';
import { Client, type ParsedKey, type PublicKeyAuthMethod, type ServerHostKeyAlgorithm } from 'ssh2';
import type { Reason } from '#domain/run-reason.ts';
import { codeOf } from '../../failure.ts';
import { HostFailure } from './failure.ts';
import { fingerprint, hostName, type KnownHosts, typeOf } from './known-hosts.ts';

/** A connection that says nothing is asked after this long, and given up when it does not answer so often. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVES = 3;
/** Without SHA-1. */
const HOST_KEYS = [
	'ssh-ed25519',
	'ecdsa-sha2-nistp256',
	'ecdsa-sha2-nistp384',
	'ecdsa-sha2-nistp521',
	'rsa-sha2-512',
	'rsa-sha2-256',
] as const satisfies ServerHostKeyAlgorithm[];

/** How hosts are let in to, and recognised. */
export interface Way {
	known: KnownHosts;
	/** Where they are vouched for, for people to read. */
	file: string;
	key: ParsedKey;
	timeout_ms: number;
}

export interface Address {
	address: string;
	port: number;
	user: string;
}

/** Connects and signs in, with one key and nothing else, to a host whose key is known. Throws `HostFailure`. */
export function connect(to: Address, way: Way, stopped: AbortSignal, through?: Duplex): Promise<Client> {
	const { address, port, user } = to;
	const client = new Client();
	let refused: HostFailure | null = null;
	return new Promise((resolve, reject) => {
		const give = (error: HostFailure) => {
			stopped.removeEventListener('abort', stop);
			reject(error);
			client.destroy();
		};
		const stop = () => {
			give(new HostFailure('host_unreachable', 'It was stopped before the host was reached.'));
		};
		if (stopped.aborted) {
			stop();
			return;
		}
		stopped.addEventListener('abort', stop);
		client.once('ready', () => {
			stopped.removeEventListener('abort', stop);
			resolve(client);
		});
		// After `ready`, whoever uses the connection learns of its end by `close`; an error without a listener would end the agent.
		client.on('error', (error) => {
			give(refused ?? whyNot(error, to, way));
		});
		client.once('close', () => {
			give(new HostFailure('host_unreachable', `${hostName(address, port)} closed the connection.`));
		});
		const withKey: PublicKeyAuthMethod = { type: 'publickey', username: user, key: way.key };
		client.connect({
			...(through ? { sock: through } : { host: address, port }),
			username: user,
			authHandler: [withKey],
			readyTimeout: way.timeout_ms,
			keepaliveInterval: KEEPALIVE_MS,
			keepaliveCountMax: KEEPALIVES,
			algorithms: { serverHostKey: askFor(way.known.types(address, port)) },
			hostVerifier: (key: Buffer) => {
				refused = judge(key, to, way);
				return refused === null;
			},
		});
		client.setNoDelay(true);
	});
}

/** A key of a kind that is known is asked for first, or a host with several would seem to have changed. */
function askFor(types: readonly string[]): ServerHostKeyAlgorithm[] {
	const known = (algorithm: string) => types.includes(algorithm.startsWith('rsa-sha2') ? 'ssh-rsa' : algorithm);
	return [...HOST_KEYS.filter(known), ...HOST_KEYS.filter((a) => !known(a))];
}

function judge(key: Buffer, { address, port }: Address, { known, file }: Way): HostFailure | null {
	const host = hostName(address, port);
	const shown = `${typeOf(key)} ${fingerprint(key)}`;
	switch (known.verdict(address, port, key)) {
		case 'known':
			return null;
		case 'unknown':
			return new HostFailure('host_key_unknown', `${host} shows the key ${shown}, and is not in ${file} on the agent.`);
		case 'changed':
			return new HostFailure(
				'host_key_changed',
				`${host} shows the key ${shown}, which is not the one in ${file} on the agent: somebody may be in between.`,
			);
		case 'revoked':
			return new HostFailure('host_key_changed', `${host} shows the key ${shown}, which ${file} says is revoked.`);
	}
}

function whyNot(error: Error & { level?: string }, to: Address, { timeout_ms }: Way): HostFailure {
	const host = hostName(to.address, to.port);
	const code = codeOf(error);
	const fail = (reason: Reason['code'], message: string) => new HostFailure(reason, message);
	if (error.level === 'client-authentication')
		return fail('permission_denied', `${host} does not let ${to.user} in with this key.`);
	if (code === 'ECONNREFUSED') return fail('connection_refused', `${host} refuses the connection.`);
	if (error.level === 'client-timeout')
		return fail('host_unreachable', `${host} does not answer within ${String(timeout_ms / 1000)} s.`);
	if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
		return fail('host_unreachable', `${host} is no name that is known here.`);
	return fail('host_unreachable', `${host} cannot be reached: ${code || error.message}.`);
}
