import { type ChildProcess, spawn } from 'node:child_process';
import { lchown, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Aside } from '../cgroup.ts';
import { SecretFiles } from '../secrets.ts';
import { type GitPolicy, type GitStep, reachOf } from '../policy/git.ts';
import type { Policy } from '../policy/index.ts';

/** A repository could not be fetched. The message names it, and holds no secret. */
export class GitFailed extends Error {}

export interface Checkout {
	/** On this host: the directory that holds the repository's files. */
	dir: string;
	commit: string;
}

const SAID_MAX = 65_536;
const LISTED_MAX = 32 * 1_048_576;
const LOOK_EVERY_MS = 250;

/** Nothing of the repository, of the user's or of the system's configuration decides what runs. */
const SAFE = [
	...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null'],
	...['protocol.allow=never', 'protocol.https.allow=always', 'protocol.ssh.allow=always'],
	// A server that sends elsewhere would take the credentials along.
	...['http.followRedirects=false', 'credential.helper=', 'submodule.recurse=false', 'fetch.recurseSubmodules=false'],
	...['fetch.unpackLimit=1', 'gc.auto=0', 'maintenance.auto=false', 'advice.detachedHead=false'],
].flatMap((setting) => ['-c', setting]);

const ASKPASS =
	'#!/bin/sh\ncase "$1" in Username*) exec cat "$UHUB_GIT_USER" ;; *) exec cat "$UHUB_GIT_PASSWORD" ;; esac\n';
const SSH = `#!/bin/sh
exec ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$UHUB_GIT_KNOWN_HOSTS" -o GlobalKnownHostsFile=/dev/null \\
	-o IdentitiesOnly=yes -o IdentityAgent=none -o IdentityFile="$UHUB_GIT_KEY" -o ClearAllForwardings=yes -o PermitLocalCommand=no "$@"
`;

interface Surroundings {
	/** Names the agent's own directories in memory. */
	tag: string;
	git: GitPolicy;
	/** Whose the files become. */
	owner: Policy['run_as'];
	stopped: AbortSignal;
	aside: Aside;
}

/**
 * Puts one commit of a repository into `into`, a directory that is not there yet. Only the `git` of this host is run, with lists of arguments. Credentials are handed
 * to it through files in memory: for https "user:password", or a token alone; for ssh a private key. Throws `GitFailed`, or `SecretUnavailable`.
 */
export async function checkOut(
	step: Pick<GitStep, 'url' | 'revision'>,
	credentials: Buffer | null,
	into: string,
	s: Surroundings,
): Promise<Checkout> {
	const temp = await mkdtemp(`${into}.git-`);
	const secrets = credentials ? await SecretFiles.create(s.tag, false, null) : null;
	try {
		await mkdir(into, { mode: 0o700 });
		const env = await environment(step.url, credentials, secrets, temp, into, s.git);
		const git = new Git(env, temp, s);
		await git.run('init', '--quiet', '--template=', '--initial-branch=fetched');
		await git.run(
			'fetch',
			'--quiet',
			'--depth=1',
			'--no-tags',
			'--no-recurse-submodules',
			'--',
			step.url,
			step.revision,
		);
		const commit = (await git.run('rev-parse', '--verify', 'FETCH_HEAD^{commit}')).trim();
		await git.checkSize(commit);
		await git.run('checkout', '--quiet', '--detach', commit, '--');
		if (s.owner) await giveTo(into, s.owner);
		return { dir: into, commit };
	} finally {
		await secrets?.remove();
		await rm(temp, { recursive: true, force: true });
	}
}

async function environment(
	url: string,
	credentials: Buffer | null,
	secrets: SecretFiles | null,
	temp: string,
	into: string,
	{ ca, known_hosts }: GitPolicy,
): Promise<Record<string, string>> {
	const program = async (name: string, text: string) => {
		const file = path.join(temp, name);
		await writeFile(file, text, { mode: 0o700, flag: 'wx' });
		return file;
	};
	const env: Record<string, string> = {
		PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
		HOME: temp,
		LC_ALL: 'C',
		GIT_DIR: path.join(temp, 'repository'),
		GIT_WORK_TREE: into,
		GIT_CONFIG_NOSYSTEM: '1',
		GIT_CONFIG_GLOBAL: '/dev/null',
		GIT_ALLOW_PROTOCOL: 'https:ssh',
		GIT_PROTOCOL_FROM_USER: '0',
		GIT_TERMINAL_PROMPT: '0',
		GIT_LFS_SKIP_SMUDGE: '1',
		GIT_ASKPASS: '/bin/false',
		GIT_SSH: await program('ssh', SSH),
		GIT_SSH_VARIANT: 'ssh',
		UHUB_GIT_KNOWN_HOSTS: known_hosts ?? '/dev/null',
		UHUB_GIT_KEY: '/dev/null',
		...(ca !== null && { GIT_SSL_CAINFO: ca }),
	};
	if (!credentials || !secrets) return env;
	if (reachOf(url).by === 'ssh') {
		const key = credentials.toString('latin1').trimEnd();
		env['UHUB_GIT_KEY'] = await secrets.put('key', Buffer.from(`${key}\n`, 'latin1'));
		return env;
	}
	const text = credentials.toString().trim();
	const colon = text.indexOf(':');
	// Servers that know tokens take any name with them.
	const user = colon === -1 ? 'git' : text.slice(0, colon);
	env['GIT_ASKPASS'] = await program('askpass', ASKPASS);
	env['UHUB_GIT_USER'] = await secrets.put('user', Buffer.from(user));
	env['UHUB_GIT_PASSWORD'] = await secrets.put('password', Buffer.from(text.slice(colon + 1)));
	return env;
}

/** One git after the other, within the time and the room there is for a repository. */
class Git {
	readonly #env: Record<string, string>;
	readonly #temp: string;
	readonly #max: number;
	readonly #max_mib: number;
	readonly #deadline: AbortSignal;
	readonly #stopped: AbortSignal;
	readonly #aside: Aside;

	constructor(env: Record<string, string>, temp: string, { git, stopped, aside }: Surroundings) {
		this.#env = env;
		this.#temp = temp;
		this.#max_mib = git.max_mib;
		this.#max = git.max_mib * 1_048_576;
		this.#deadline = AbortSignal.timeout(git.timeout_s * 1000);
		this.#stopped = stopped;
		this.#aside = aside;
	}

	/** Answers what it printed. */
	run(command: string, ...args: string[]): Promise<string> {
		return this.#run(command, args, SAID_MAX);
	}

	/** A commit may be far larger than what was sent for it. */
	async checkSize(commit: string): Promise<void> {
		const listed = await this.#run('ls-tree', ['-r', '-l', '-z', '--', commit], LISTED_MAX);
		let size = 0;
		for (const [, bytes] of listed.matchAll(/(?:^|\0)\d+ blob [0-9a-f]+ +(\d+)\t/g)) size += Number(bytes);
		if (size > this.#max) throw this.#tooLarge();
	}

	#tooLarge = () =>
		new GitFailed(`the repository is larger than the ${String(this.#max_mib)} MiB of the agent's policy`);

	async #run(command: string, args: readonly string[], max: number): Promise<string> {
		const signal = AbortSignal.any([this.#deadline, this.#stopped]);
		const born = await this.#aside(() => (signal.aborted ? null : this.#spawn(command, args)));
		if (!born) throw this.#stoppedBy();
		const { child, ended } = born;
		let why: GitFailed | null = null;
		const end = (because: GitFailed) => {
			why ??= because;
			endGroup(child);
		};
		const aborted = () => {
			end(this.#stoppedBy());
		};
		signal.addEventListener('abort', aborted, { once: true });
		const looking = setInterval(() => {
			void this.#sent().then((bytes) => {
				if (bytes > this.#max) end(this.#tooLarge());
			});
		}, LOOK_EVERY_MS);
		const [out, err] = [child.stdout, child.stderr].map((stream) => {
			const parts: Buffer[] = [];
			let size = 0;
			stream.on('data', (part: Buffer) => {
				size += part.length;
				if (size <= max) parts.push(part);
				else end(new GitFailed('git says more than can be read'));
			});
			return () => Buffer.concat(parts).toString();
		});
		const code = await ended;
		clearInterval(looking);
		signal.removeEventListener('abort', aborted);
		if (why) throw why as GitFailed;
		if (code === 0) return out?.() ?? '';
		if (code === 'ENOENT') throw new GitFailed('there is no git on the agent');
		throw new GitFailed(whyNot(err?.() ?? ''));
	}

	/** It may fail at once, so whoever listens must do so before anything is awaited. */
	#spawn(command: string, args: readonly string[]) {
		const child = spawn('git', [...SAFE, command, ...args], {
			cwd: this.#temp,
			env: this.#env,
			// Git starts others (ssh, what speaks https): a group of their own, which ends as one.
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		const ended = new Promise<number | string | null>((resolve) => {
			child.once('error', (error) => {
				resolve('code' in error ? String(error.code) : 'failed');
			});
			child.once('close', resolve);
		});
		return { child, ended };
	}

	#stoppedBy(): GitFailed {
		return new GitFailed(
			this.#stopped.aborted ? 'it was stopped before it started' : 'the repository did not arrive in time',
		);
	}

	/** Bytes of what was sent so far: one pack, for one commit. */
	async #sent(): Promise<number> {
		const dir = path.join(this.#temp, 'repository/objects/pack');
		const names = await readdir(dir).catch(() => []);
		const sizes = await Promise.all(
			names.map((name) =>
				stat(path.join(dir, name)).then(
					(found) => found.size,
					() => 0,
				),
			),
		);
		return sizes.reduce((sum, size) => sum + size, 0);
	}
}

function endGroup({ pid }: ChildProcess): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, 'SIGKILL');
	} catch {
		// It has ended meanwhile.
	}
}

/** What git says, in our words where it is known: its own could hold what a server likes to say. */
const KNOWN: [RegExp, string][] = [
	[/Host key verification failed|No .* host key is known/, "the server's key is not the one in git.known_hosts"],
	[
		/Authentication failed|could not read (Username|Password)|Permission denied|HTTP Basic: Access denied|returned error: 40[13]/,
		'the server does not let the agent in',
	],
	[
		/SSL certificate problem|server certificate verification failed|SSL: no alternative certificate/,
		"the server's certificate is not the one expected",
	],
	[
		/unable to update url base from redirection|returned error: 30\d/,
		'the server sends the agent elsewhere, where it does not go',
	],
	[
		/couldn't find remote ref|not our ref|no such remote ref|unadvertised object/,
		'there is no such revision in the repository',
	],
	[
		/not found|returned error: 404|does not appear to be a git repository/,
		'there is no such repository, or it is not to be seen',
	],
	[
		/Could not resolve|Failed to connect|Connection refused|Couldn't connect|timed out|No route to host/,
		'the server cannot be reached',
	],
	[/transport '.*' not allowed/, 'only https and ssh are spoken'],
];
const whyNot = (said: string): string => KNOWN.find(([pattern]) => pattern.test(said))?.[1] ?? 'git could not fetch it';

/** Everything below a directory, and it; links themselves and not what they lead to. */
async function giveTo(dir: string, owner: NonNullable<Policy['run_as']>): Promise<void> {
	for (const entry of await readdir(dir, { withFileTypes: true })) {
		const at = path.join(dir, entry.name);
		if (entry.isDirectory()) await giveTo(at, owner);
		else await lchown(at, owner.uid, owner.gid);
	}
	await lchown(dir, owner.uid, owner.gid);
}
