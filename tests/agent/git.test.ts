// Scripts from repositories: git's own http-backend over real HTTPS with a password, and a real sshd.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '#protocol/run-spec.ts';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { Authority } from '#tests/support/certificates.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { Kubernetes } from '#tests/support/fake-kubernetes.ts';
import { IMAGE, noCluster } from '#tests/support/in-cluster.ts';
import { noSshd, type Sshd, SshTown } from '#tests/support/sshd.ts';

const BACKEND = '/usr/lib/git-core/git-http-backend';
const PASSWORD = 'g1t-p4ssw0rd-of-the-tests';

let dir: string;
let authority: Authority;
let server: Server;
let hub: FakeHub;
let agent: AgentProcess;
const commits: string[] = [];
/** Where the server sends whoever asks; null: it answers. */
let redirect: string | null = null;
/** What the server waits for before it answers, and how often it was asked meanwhile. */
let held: Promise<void> | null = null;
let asked = 0;

const git = (...args: string[]): string =>
	execFileSync('git', ['-C', path.join(dir, 'work'), '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
		encoding: 'utf8',
		env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
		stdio: ['ignore', 'pipe', 'pipe'],
	}).trim();

function commit(files: Record<string, string>): string {
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(path.dirname(path.join(dir, 'work', name)), { recursive: true });
		writeFileSync(path.join(dir, 'work', name), text);
	}
	git('add', '-A');
	git('commit', '-qm', 'c');
	git('push', '-q', '--force', path.join(dir, 'repos/shop.git'), 'HEAD:refs/heads/main');
	const made = git('rev-parse', 'HEAD');
	commits.push(made);
	return made;
}

/** The server's side of git over HTTPS, as git documents it: a CGI. */
function serve(): Server {
	return createServer(authority.issue('IP:127.0.0.1'), async (request, response) => {
		asked++;
		await held;
		const url = new URL(request.url ?? '', 'https://h');
		if (redirect !== null) {
			response.writeHead(302, { location: `${redirect}${url.pathname}${url.search}` }).end();
			return;
		}
		const wanted = `Basic ${Buffer.from(`deploy:${PASSWORD}`).toString('base64')}`;
		if (url.pathname.startsWith('/shop.git') && request.headers.authorization !== wanted) {
			response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
			return;
		}
		const child = spawn(BACKEND, [], {
			env: {
				GIT_PROJECT_ROOT: path.join(dir, 'repos'),
				GIT_HTTP_EXPORT_ALL: '1',
				GIT_CONFIG_GLOBAL: path.join(dir, 'server.config'),
				PATH_INFO: url.pathname,
				QUERY_STRING: url.search.slice(1),
				REQUEST_METHOD: request.method,
				CONTENT_TYPE: request.headers['content-type'] ?? '',
				HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
				GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
			},
		});
		request.pipe(child.stdin).on('error', () => undefined);
		let head: Buffer | null = Buffer.alloc(0);
		child.stdout.on('data', (part: Buffer) => {
			if (head === null) return void response.write(part);
			head = Buffer.concat([head, part]);
			const end = head.indexOf('\r\n\r\n');
			if (end === -1) return;
			let status = 200;
			for (const line of head.subarray(0, end).toString().split('\r\n')) {
				const [name = '', value = ''] = line.split(': ');
				if (name === 'Status') status = Number(value.slice(0, 3));
				else response.setHeader(name, value);
			}
			response.writeHead(status);
			response.write(head.subarray(end + 4));
			head = null;
		});
		child.on('close', () => response.end());
	});
}

let at: string;
const policy = (more = '') => `version: 1
projects: all
backends: [local]
tools: [shell, custom]
scripts: { uploaded: true }
env: []
git: { hosts: ['${at}'], ca: ${authority.ca}, known_hosts: ${dir}/known_hosts, max_mib: 4, timeout_s: 20 }
secrets: { 3: ['env:GIT_*', 'file:${dir}/keys/'] }
${more}`;

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-git-'));
	for (const name of ['repos', 'work', 'keys']) mkdirSync(path.join(dir, name));
	writeFileSync(
		path.join(dir, 'server.config'),
		'[safe]\n\tdirectory = *\n[uploadpack]\n\tallowReachableSHA1InWant = true\n',
	);
	writeFileSync(path.join(dir, 'known_hosts'), '');
	writeFileSync(path.join(dir, 'keys/login'), `deploy:${PASSWORD}\n`, { mode: 0o600 });
	execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path.join(dir, 'repos/shop.git')]);
	execFileSync('git', ['init', '-q', '-b', 'main', path.join(dir, 'work')]);
	symlinkSync('/etc/passwd', path.join(dir, 'work/outside'));
	symlinkSync('/etc', path.join(dir, 'work/etc'));
	commit({ 'deploy/run.sh': 'echo "one: $(cat "$UHUB_SCRIPT_DIR/beside")"; echo "$@"', 'deploy/beside': 'beside it' });
	commit({
		'deploy/run.sh': '#!/bin/sh\necho "two: $(cat "$UHUB_SCRIPT_DIR/beside")"\n',
		'.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch ${dir}/canary"\n`,
		'.gitattributes': '*.big filter=lfs diff=lfs merge=lfs\n* filter=evil\n',
		'a.big': 'version https://git-lfs.github.com/spec/v1\n',
	});
	authority = new Authority();
	server = serve().listen(0, '127.0.0.1');
	await once(server, 'listening');
	at = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub, {
		policy: policy(),
		env: { GIT_WRONG: 'deploy:not-the-password', OTHER: 'not given' },
	});
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	server.closeAllConnections();
	server.close();
	authority.remove();
	rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
	redirect = null;
	held = null;
	expect(existsSync(path.join(dir, 'canary'))).toBe(false);
	expect(hub.faults).toEqual([]);
});

const step = (over: object = {}): Step => ({
	location_type: 'git',
	name: 'a script',
	tool: 'shell',
	secret: null,
	url: `https://${at}/shop.git`,
	revision: 'main',
	path: 'deploy/run.sh',
	credentials: `file:${dir}/keys/login`,
	...over,
});
async function ran(over: object = {}, more: object = {}): Promise<HubRun> {
	const run = hub.offerRaw({ ...hub.scripts.spec(), steps: [step(over)], ...more });
	await hub.ended(run);
	return run;
}
const reasonOf = async (over: object) => {
	const run = await ran(over);
	expect(textOf(run)).toBe('');
	return run.refused ?? run.finish?.reason;
};

describe('a script from a repository', () => {
	it('runs as it is in a branch, beside what lies beside it, and the log says at which commit', async () => {
		const run = await ran();
		expect(run.finish).toMatchObject({ outcome: 'success' });
		expect(textOf(run)).toContain(`commit ${commits[1] ?? ''}\n`);
		expect(textOf(run)).toContain('two: beside it\n');
	});

	it('runs as it was at a commit, with arguments that no shell reads', async () => {
		const run = await ran({ revision: commits[0] }, { arguments: ['$(id)', '; touch x'] });
		expect(textOf(run)).toContain('one: beside it\n$(id) ; touch x\n');
	});

	it('is fetched once for two steps', async () => {
		const run = await ran({}, { steps: [step(), step({ path: 'deploy/run.sh' })] });
		expect(textOf(run).split('two: beside it')).toHaveLength(3);
	});

	it('is fetched to its end, whatever else ends meanwhile', async () => {
		const { promise, resolve: answer } = Promise.withResolvers<undefined>();
		held = promise;
		const before = asked;
		const run = hub.offerRaw({ ...hub.scripts.spec(), steps: [step()] });
		await expect.poll(() => asked).toBeGreaterThan(before);
		for (const script of ['true', 'sleep 600']) {
			const other = hub.offer({ script });
			await hub.until(() => other.started, 'a start');
			if (script !== 'true') hub.cancel(other);
			await hub.ended(other);
			expect(textOf(other)).toBe('');
		}
		answer(undefined);
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'success' });
	});

	it('46: leaves no password in an argument list, an environment, on a disk or in what is said', async () => {
		let seen = false;
		const looking = setInterval(() => {
			for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n)))
				for (const what of ['cmdline', 'environ'])
					try {
						seen ||= readFileSync(`/proc/${name}/${what}`, 'latin1').includes(PASSWORD);
					} catch {
						// It has ended.
					}
		}, 5);
		const run = await ran();
		clearInterval(looking);
		expect(run.finish?.outcome).toBe('success');
		const disk = execFileSync('sh', ['-c', 'grep -rl "$1" "$2" /dev/shm || true', 'sh', PASSWORD, agent.home]);
		expect(disk.toString()).toBe('');
		expect(seen).toBe(false);
		for (const said of [textOf(run), agent.output, JSON.stringify(hub.messages)])
			expect(said.includes(PASSWORD)).toBe(false);
		await expect.poll(() => readdirSync(path.join(agent.home, 'work'))).toEqual([]);
	});

	for (const [what, over, words] of [
		['a wrong password', { credentials: 'env:GIT_WRONG' }, 'does not let the agent in'],
		['no password', { credentials: null }, 'does not let the agent in'],
		['a revision that is not', { revision: 'nowhere' }, 'no such revision'],
		['a commit that is not', { revision: '1'.repeat(40) }, 'no such revision'],
	] as const)
		it(`says what is wrong: ${what}`, async () => {
			expect(await reasonOf(over)).toMatchObject({
				code: 'git_failed',
				message: expect.stringContaining(words) as string,
			});
		});

	it('says that there is no such repository, and follows a server nowhere', async () => {
		expect(await reasonOf({ url: `https://${at}/none.git` })).toMatchObject({
			message: expect.stringContaining('no such repository') as string,
		});
		redirect = `https://localhost:${at.split(':')[1] ?? ''}`;
		expect(await reasonOf({})).toMatchObject({ message: expect.stringContaining('elsewhere') as string });
	});

	it('is not fetched where it is larger than the policy allows, packed or not', async () => {
		const small = commit({ bomb: 'x'.repeat(5_000_000) });
		expect(await reasonOf({ revision: small })).toMatchObject({ message: expect.stringContaining('4 MiB') as string });
		git('rm', '-q', 'bomb');
		commit({ back: 'y' });
	});
});

describe.skipIf(noCluster !== null)(`in a cluster${noCluster === null ? '' : ` (${noCluster})`}`, () => {
	let cluster: Kubernetes;
	let inCluster: AgentProcess;
	let over: FakeHub;

	beforeAll(async () => {
		[cluster, over] = await Promise.all([Kubernetes.start(), FakeHub.start()]);
		over.protocol = 2;
		inCluster = await AgentProcess.create(over, {
			policy: policy(`k8s: { namespaces: [${Kubernetes.namespace}], images: ['registry.test/*'] }\n`)
				.replace('[local]', '[k8s]')
				.replace("3: ['env:GIT_*'", "3: ['env:GIT_*', 'env:KUBE_*'"),
			env: { KUBE_CONFIG: cluster.kubeconfig() },
		});
	});
	afterAll(async () => {
		await inCluster.remove();
		await Promise.all([over.stop(), cluster.stop()]);
	});

	async function ranThere(over_: object): Promise<HubRun> {
		const config = { cluster: 'c', kubeconfig_ref: 'env:KUBE_CONFIG', api_server_url: null, image: IMAGE };
		const execution = { backend: 'k8s', config: { ...config, namespace: Kubernetes.namespace } };
		const run = over.offerRaw({ ...over.scripts.spec(), execution, steps: [step(over_)] });
		await over.ended(run);
		expect(over.faults).toEqual([]);
		return run;
	}

	it('a script has all the files of its commit beside it; a link among them is its file, and one that leads out is none', async () => {
		symlinkSync('../deploy/beside', path.join(dir, 'work/deploy/linked'));
		const listing = commit({
			'deploy/sub/run.sh':
				'cd "$UHUB_SCRIPT_DIR" && cat ../beside && echo && cat ../linked && echo && ls deep && ls ../.. | grep -vx back',
			'deploy/sub/deep/file': 'x',
		});
		const run = await ranThere({ path: 'deploy/sub/run.sh', revision: listing });
		expect(run.finish?.reason).toBeNull();
		expect(textOf(run)).toContain('links that a pod cannot be handed: ');
		expect(textOf(run)).toMatch(/\.uhub-source-1\/(etc|outside), \.uhub-source-1\/(etc|outside)\n/);
		expect(textOf(run).endsWith('beside it\nbeside it\nfile\na.big\ndeploy\n')).toBe(true);
		expect(textOf(run)).not.toContain('root:');
		git('rm', '-q', 'deploy/linked');
	});

	it('of more than a pod can be handed nothing starts, and the reason says so', async () => {
		const large = commit({ large: 'x'.repeat(1_100_000) });
		const run = await ranThere({ revision: large });
		expect(run.finish?.reason).toMatchObject({ code: 'start_failed', message: expect.stringContaining('1 MiB') });
		expect(textOf(run)).not.toContain('beside it');
		git('rm', '-q', 'large');
	});
});

describe.skipIf(noDockerd !== null)(`in a container${noDockerd === null ? '' : ` (${noDockerd})`}`, () => {
	it('a script has all the files of its commit beside it, links as they are', async () => {
		const [engine, over] = await Promise.all([Dockerd.start(), FakeHub.start()]);
		over.protocol = 2;
		const made = policy(`docker: { socket: ${engine.socket}, images: [uhub-test] }\n`);
		const inContainer = await AgentProcess.create(over, { policy: made.replace('[local]', '[docker]') });
		try {
			symlinkSync('beside', path.join(dir, 'work/deploy/alias'));
			const revision = commit({
				'deploy/sub/run.sh': 'cd "$UHUB_SCRIPT_DIR/.." && cat alias && echo && readlink ../etc',
			});
			const execution = { backend: 'docker' as const, config: { image: 'uhub-test:1', user: 'app' } };
			const run = over.offer({ execution, steps: [step({ path: 'deploy/sub/run.sh', revision })] });
			await over.ended(run);
			expect(run.finish?.reason).toBeNull();
			expect(textOf(run).endsWith('beside it\n/etc\n')).toBe(true);
			git('rm', '-q', 'deploy/alias');
		} finally {
			await inContainer.remove();
			await Promise.all([over.stop(), engine.remove()]);
		}
	});
});

describe('41: what would make git do something else', () => {
	for (const [what, over, code] of [
		['ext::', { url: 'ext::sh -c touch% canary' }, 'bad_request'],
		['file://', { url: 'file:///etc' }, 'bad_request'],
		['a path', { url: '/etc' }, 'bad_request'],
		['an option as an address', { url: '--upload-pack=touch canary' }, 'bad_request'],
		['an option as a host', { url: 'ssh://-oProxyCommand=touch/x' }, 'bad_request'],
		['an option as a revision', { revision: '--upload-pack=touch' }, 'bad_request'],
		['a refspec as a revision', { revision: 'main:refs/heads/x' }, 'bad_request'],
		['a password in an address', { url: 'https://a:b@127.0.0.1/x' }, 'bad_request'],
		['plain http', { url: 'http://127.0.0.1/x' }, 'bad_request'],
		['an absolute path', { path: '/etc/passwd' }, 'bad_request'],
		['a way up', { path: '../../etc/passwd' }, 'bad_request'],
		['another host', { url: 'https://127.0.0.2/shop.git' }, 'refused_by_policy'],
		['another port', { url: 'https://127.0.0.1/shop.git' }, 'refused_by_policy'],
		["another's credentials", { credentials: 'env:OTHER' }, 'refused_by_policy'],
	] as const)
		it(`41: ${what} starts nothing`, async () => {
			const run = await ran(over);
			expect(run.refused).toMatchObject({ code });
		});

	it('41: a submodule, a filter and a hook of the repository do nothing', async () => {
		const hook = path.join(dir, 'repos/shop.git/hooks/post-checkout');
		writeFileSync(hook, `#!/bin/sh\ntouch ${dir}/canary\n`);
		chmodSync(hook, 0o755);
		expect((await ran()).finish?.outcome).toBe('success');
	});

	it('42: a link of the repository that leads out of it is no script', async () => {
		for (const name of ['outside', 'etc/passwd'])
			expect(await reasonOf({ path: name })).toMatchObject({ code: 'script_missing' });
		expect(await reasonOf({ path: 'deploy' })).toMatchObject({ code: 'script_missing' });
	});
});

describe.skipIf(noSshd !== null)(`over ssh${noSshd === null ? '' : ` (${noSshd})`}`, () => {
	let town: SshTown;
	let sshd: Sshd;
	let over: FakeHub;
	let byKey: AgentProcess;

	beforeAll(async () => {
		town = new SshTown();
		copyFileSync(town.key, path.join(dir, 'keys/client'));
		sshd = await town.start('127.0.0.1');
		over = await FakeHub.start();
		byKey = await AgentProcess.create(over, {
			policy: policy().replace(`hosts: ['${at}']`, `hosts: ['127.0.0.1:${String(sshd.port)}']`),
		});
	});
	afterAll(async () => {
		await byKey.remove();
		await over.stop();
		await town.remove();
	});

	async function ranBySsh(): Promise<HubRun> {
		const url = `ssh://root@127.0.0.1:${String(sshd.port)}${dir}/repos/shop.git`;
		const steps = [step({ url, credentials: `file:${dir}/keys/client` })];
		const run = over.offerRaw({ ...over.scripts.spec(), steps });
		await over.ended(run);
		return run;
	}
	const know = (line: string) => {
		writeFileSync(path.join(dir, 'known_hosts'), line);
	};

	it('45: a server whose key is not known, or is another one, is not spoken to', async () => {
		town.makeKey('other');
		for (const line of ['', `[127.0.0.1]:${String(sshd.port)} ${town.publicKey('other')}`]) {
			know(line);
			const run = await ranBySsh();
			expect(run.finish?.reason).toMatchObject({
				code: 'git_failed',
				message: expect.stringContaining('key') as string,
			});
		}
	});

	it('fetches with a key that is handed over in memory', async () => {
		know(sshd.known);
		const run = await ranBySsh();
		expect(run.finish?.reason).toBeNull();
		expect(textOf(run)).toContain('two: beside it\n');
	});
});
