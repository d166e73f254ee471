import { access, constants, stat, statfs } from 'node:fs/promises';
import { Close } from '#protocol/close-codes.ts';
import { Cgroups } from '../cgroup.ts';
import { checkPrivate, type Home, homeAt, hubUrl, readConfig } from '../config.ts';
import { KnownHosts, NoKnownHosts } from '../executors/ssh/known-hosts.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { foundTools } from '../health.ts';
import { Key } from '../key.ts';
import { type Policy, readPolicy } from '../policy/index.ts';
import { hasProc } from '../processes.ts';
import { SecretUnavailable } from '../own-secret.ts';
import { hasTmpfs } from '../secrets.ts';
import type { Dial } from '../transport/contract.ts';
import { dialLongPoll } from '../transport/long-poll.ts';
import { dialWebSocket } from '../transport/websocket.ts';
import { Vault } from '../vault.ts';
import { workspacesOf } from '../workspace.ts';

type Verdict = { mark: 'OK' | 'WARN' | 'FAIL'; text: string };

const ok = (text: string): Verdict => ({ mark: 'OK', text });
const warn = (text: string): Verdict => ({ mark: 'WARN', text });
const fail = (text: string): Verdict => ({ mark: 'FAIL', text });

const MIN_NODE = 22;
const ROOM_GIB = 3;

/** Looks at everything the agent needs, a line each. Exit code 1 when something keeps it from working. */
export async function doctor(options: { home?: string | undefined }): Promise<number> {
	const home = homeAt(options.home);
	const policy = await readPolicy(home.policy).catch((error: unknown) => asFailure(error));
	const checks: (Verdict | Verdict[] | Promise<Verdict | Verdict[]>)[] = [
		node(),
		secured(checkPrivate(home.dir, 'directory'), `${home.dir} is private`),
		secured(Key.read(home.key), 'the key is there and private'),
		policy instanceof Failure ? fail(policy.message) : ok(`${home.policy} is valid`),
		hub(home),
		transport(home),
		room(home),
		processes(),
		memoryForSecrets(),
		...(policy instanceof Failure
			? []
			: [
					isolation(home, policy),
					vault(policy),
					engine(policy),
					clusters(policy),
					knownHosts(policy),
					requests(policy),
					mails(policy),
				]),
		tools(),
	];
	const verdicts = (await Promise.all(checks)).flat();
	for (const { mark, text } of verdicts) console.log(`${mark.padEnd(4)}  ${text}`);
	return verdicts.some(({ mark }) => mark === 'FAIL') ? 1 : 0;
}

const asFailure = (error: unknown): Failure => {
	if (error instanceof Failure) return error;
	throw error;
};

const secured = (check: Promise<unknown>, good: string): Promise<Verdict> =>
	check.then(
		() => ok(good),
		(error: unknown) => fail(error instanceof Failure ? error.message : codeOf(error)),
	);

function node(): Verdict {
	const { node: version } = process.versions;
	return Number(version.split('.')[0]) >= MIN_NODE
		? ok(`Node ${version}`)
		: fail(`Node ${version} is too old: the agent needs ${String(MIN_NODE)} or newer`);
}

async function hub(home: Home): Promise<Verdict> {
	try {
		const config = await readConfig(home);
		const url = hubUrl(config.hub, config.insecure);
		const response = await fetch(new URL('/api/health', url), {
			redirect: 'error',
			signal: AbortSignal.timeout(10_000),
		});
		if (!response.ok) return fail(`${url.origin} answers ${String(response.status)}`);
		return url.protocol === 'https:' || !config.insecure
			? ok(`${url.origin} answers`)
			: warn(`${url.origin} answers, but without TLS: whoever is in between can run commands here`);
	} catch (error) {
		return fail(
			error instanceof Failure ? error.message : `the hub cannot be reached: ${codeOf(error) || 'no answer'}`,
		);
	}
}

/** Dials as the agent would, as far as the hub's first word. */
async function transport(home: Home): Promise<Verdict | Verdict[]> {
	let at: { hub: URL; agent_id: number };
	try {
		const { hub: address, insecure, agent_id } = await readConfig(home);
		at = { hub: hubUrl(address, insecure), agent_id };
	} catch (error) {
		// Said by the line about the hub.
		if (error instanceof Failure) return [];
		throw error;
	}
	const socket = await firstWord(dialWebSocket, at);
	if (socket === null) return ok('WebSockets reach it');
	const poll = await firstWord(dialLongPoll, at);
	if (poll === null) return warn(`WebSockets do not reach it (${socket}): the agent will use long-polling`);
	return fail(`the agent cannot connect: by WebSocket, ${socket}; by long-polling, ${poll}`);
}

/** Null where the hub speaks, else why not. */
const firstWord = (dial: Dial, at: { hub: URL; agent_id: number }): Promise<string | null> =>
	new Promise((resolve) => {
		const spoken = () => {
			resolve(null);
			void connection.close(Close.done, '');
		};
		const connection = dial(at, {
			text: spoken,
			binary: spoken,
			ended: ({ why }) => {
				resolve(why);
			},
		});
	});

async function room(home: Home): Promise<Verdict> {
	try {
		const { bavail, bsize } = await statfs(home.dir);
		const gib = (bavail * bsize) / 1024 ** 3;
		const text = `${gib.toFixed(1)} GiB free for logs that wait and for workspaces`;
		return gib < ROOM_GIB ? warn(text) : ok(text);
	} catch (error) {
		return fail(`${home.dir}: ${codeOf(error)}`);
	}
}

async function processes(): Promise<Verdict> {
	if (!hasProc)
		return warn(
			'this system has no /proc: a process that leaves its group survives the end of its run, and secrets cannot be handed over',
		);
	const groups = await Cgroups.open('doctor');
	await groups?.close();
	return groups
		? ok('control groups (v2) can be made: no process escapes the end of its run')
		: warn(
				'no control group (v2) can be made here (systemd: Delegate=yes): a process that leaves its session and clears its environment survives the end of its run, and jobs with limits are refused',
			);
}

const memoryForSecrets = async (): Promise<Verdict> =>
	(await hasTmpfs())
		? ok('secrets are handed over in memory (/dev/shm)')
		: warn('/dev/shm is not a tmpfs: jobs that need secrets are refused');

async function isolation(home: Home, policy: Policy): Promise<Verdict> {
	if (!policy.run_as)
		return warn(
			`jobs run as the agent's own user: they can read ${home.key} and the logs that wait. Run the agent as root with run_as in the policy to keep them apart`,
		);
	if (process.getuid?.() !== 0) return fail('the policy names run_as, and only root can become another user');
	try {
		await access(workspacesOf(home, policy), constants.W_OK);
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') return fail(`${workspacesOf(home, policy)}: ${codeOf(error)}`);
	}
	return ok(`jobs run as uid ${String(policy.run_as.uid)}, who cannot read the agent's key`);
}

async function vault({ vault: at }: Policy): Promise<Verdict | Verdict[]> {
	if (!at) return [];
	try {
		await new Vault(at).check();
		return ok(`${at.address} answers, and lets the agent in`);
	} catch (error) {
		if (!(error instanceof SecretUnavailable)) throw error;
		return fail(`${at.address}: ${error.message}`);
	}
}

async function knownHosts({ ssh }: Policy): Promise<Verdict | Verdict[]> {
	if (!ssh) return [];
	const { known_hosts: file } = ssh;
	try {
		const known = await KnownHosts.read(file);
		if (((await stat(file)).mode & 0o022) !== 0)
			return fail(`others may write to ${file}, and so vouch for any host: chmod go-w ${file}`);
		const keys = ok(`${file} vouches for hosts by ${String(known.size)} keys; any other is refused`);
		const [line] = known.ignored;
		if (line === undefined) return keys;
		return [
			keys,
			warn(
				`${file}: ${String(known.ignored.length)} lines are passed over, the first is ${String(line)} (certificate authorities are)`,
			),
		];
	} catch (error) {
		if (!(error instanceof NoKnownHosts)) throw error;
		return fail(`${error.message}: no host is reached by ssh without it`);
	}
}

async function engine({ docker: policy }: Policy): Promise<Verdict | Verdict[]> {
	if (!policy) return [];
	const { engineOf } = await import('../executors/docker/index.ts');
	try {
		const { name, version } = await engineOf(policy);
		return policy.images.length === 0
			? warn(`${name} ${version} answers, and the policy allows no image (docker.images)`)
			: ok(`${name} ${version} answers at ${policy.socket}`);
	} catch (error) {
		return fail(`no containers: ${messageOf(error)}`);
	}
}

/** Which clusters there are, only jobs say: each brings the reference of its kubeconfig. */
function clusters({ k8s: policy, backends }: Policy): Verdict | Verdict[] {
	if (!policy && !backends.includes('k8s')) return [];
	if (!policy) return fail('no Jobs in clusters: the policy does not say which (k8s)');
	const { namespaces, images } = policy;
	return namespaces.length === 0 || images.length === 0
		? warn('no Jobs in clusters: the policy allows no namespace or no image (k8s.namespaces, k8s.images)')
		: ok(`clusters: Jobs in ${namespaces.join(', ')}, with kubeconfigs among the secrets of projects`);
}

function requests({ webhook: policy, backends }: Policy): Verdict | Verdict[] {
	if (!policy && !backends.includes('webhook')) return [];
	if (!policy) return fail('no requests: the policy does not say which (webhook)');
	return policy.networks.length === 0
		? warn('no requests: the policy allows no network (webhook.networks)')
		: ok(`requests: to ${[...policy.hosts, ...policy.networks].join(', ')}`);
}

async function mails({ mail: policy }: Policy): Promise<Verdict | Verdict[]> {
	if (!policy) return [];
	const at = `${policy.host}:${String(policy.port)}`;
	try {
		const { tryServer } = await import('../mail/smtp.ts');
		await tryServer(policy);
		return ok(`the mail server ${at} answers${policy.user === null ? '' : ', and lets the agent in'}`);
	} catch (error) {
		return fail(`no mails by ${at}: ${messageOf(error)}`);
	}
}

async function tools(): Promise<Verdict> {
	const found = Object.entries(await foundTools(null)).map(([name, version]) => `${name} ${version}`);
	return ok(`found ${found.length === 0 ? 'no other tools' : found.join(', ')}`);
}
