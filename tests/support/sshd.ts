// Real sshds on this machine, each an address of its own, to be the hosts of a run. Root is who they let in.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const SSHD = '/usr/sbin/sshd';

/** Why there can be none here; null: there can. */
export const noSshd: string | null = !existsSync(SSHD)
	? `there is no ${SSHD} (Debian: openssh-server)`
	: process.getuid?.() !== 0
		? 'only root can start an sshd that lets root in'
		: null;
if (noSshd !== null && process.env['CI']) throw new Error(noSshd);

export interface Sshd {
	address: string;
	port: number;
	/** Its line in a file of known hosts. */
	known: string;
	pid: number;
	stop(): Promise<void>;
}

/** A port that nothing listens at, on an address of this machine. */
export async function freePort(address: string): Promise<number> {
	const server = createServer().listen(0, address);
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, 'close');
	return port;
}

/** Something that takes connections and never says a word. */
export async function silent(address: string): Promise<{ address: string; port: number; stop(): void }> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, address);
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	const stop = () => {
		for (const socket of sockets) socket.destroy();
		server.close();
	};
	return { address, port, stop };
}

/** A directory with what clients and servers need: keys, who is let in, known hosts. */
export class SshTown {
	readonly dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-ssh-'));
	readonly knownHosts = path.join(this.dir, 'known_hosts');
	readonly #running: Sshd[] = [];
	#keys = 0;

	constructor() {
		mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
		this.makeKey('id');
		this.know();
	}

	/** The private key that is let in everywhere. */
	get key(): string {
		return path.join(this.dir, 'id');
	}

	/** Makes a key pair, and answers the private one's file. */
	makeKey(name: string, passphrase = '', type = 'ed25519'): string {
		const file = path.join(this.dir, name);
		execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', '', '-f', file]);
		return file;
	}

	publicKey(name: string): string {
		return readFileSync(path.join(this.dir, `${name}.pub`), 'utf8').trim();
	}

	/** Writes the file of known hosts anew. */
	know(...lines: string[]): void {
		writeFileSync(this.knownHosts, lines.map((line) => `${line}\n`).join(''));
	}

	/** Starts a server on an address of 127.0.0.0/8; `options` as in sshd_config. */
	async start(address: string, options: { port?: number; hostKey?: string; config?: string[] } = {}): Promise<Sshd> {
		const hostKey = options.hostKey ?? this.makeKey(`host-${String(++this.#keys)}`);
		const port = options.port ?? (await freePort(address));
		const settings = [
			...(options.config ?? []),
			`ListenAddress=${address}`,
			`HostKey=${hostKey}`,
			`AuthorizedKeysFile=${this.key}.pub`,
			`PidFile=none`,
			...['StrictModes=no', 'UsePAM=no', 'PermitRootLogin=yes', 'PasswordAuthentication=no', 'UseDNS=no'],
			...['MaxStartups=100', 'Subsystem=sftp internal-sftp'],
			// Not the start-up files of whoever runs the tests.
			`SetEnv=HOME=${this.dir}`,
		];
		const child: ChildProcess = spawn(
			SSHD,
			['-D', '-e', '-f', '/dev/null', '-p', String(port), ...settings.flatMap((one) => ['-o', one])],
			{ stdio: ['ignore', 'ignore', 'pipe'] },
		);
		let said = '';
		child.stderr?.on('data', (part: Buffer) => (said += part.toString()));
		while (!(await listens(address, port))) if (child.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
		const name = port === 22 ? address : `[${address}]:${String(port)}`;
		const sshd: Sshd = {
			address,
			port,
			known: `${name} ${readFileSync(`${hostKey}.pub`, 'utf8').trim()}`,
			pid: child.pid ?? 0,
			stop: async () => {
				if (child.exitCode !== null || child.signalCode !== null) return;
				child.kill('SIGTERM');
				await once(child, 'exit');
			},
		};
		this.#running.push(sshd);
		return sshd;
	}

	async remove(): Promise<void> {
		await Promise.all(this.#running.map((one) => one.stop()));
		rmSync(this.dir, { recursive: true, force: true });
	}
}

const listens = (address: string, port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const socket = connect(port, address);
		const say = (open: boolean) => {
			socket.destroy();
			if (open) resolve(true);
			else setTimeout(() => resolve(false), 10);
		};
		socket.once('connect', () => say(true));
		socket.once('error', () => say(false));
	});
