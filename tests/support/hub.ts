// A real hub for a test: the same launcher, the same bundles and the same runtime as `npm start`, on a free port and in a
// directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
// A build may come first; the hub itself is ready within two seconds.
const READY_PATIENCE_MS = 180_000;

export interface HubOptions {
	/** Kept after stop() when given; otherwise a temporary one, removed. */
	dataDir?: string;
	/** Demo data and accounts. Default true. */
	demo?: boolean;
	/** The local agent. Default: with the demo. Without the demo there is none. */
	agent?: boolean;
	/** The demo accounts' password. */
	password?: string;
	host?: string;
	/** Default: a free one, which restart() keeps. */
	port?: number;
	env?: Record<string, string>;
}

export interface TestHub {
	readonly url: string;
	readonly dataDir: string;
	/** Of the accounts admin, projets, dev and ops. */
	readonly password: string;
	readonly pid: number;
	/** The runtime's and the agent's own process ids, for tests that kill them. */
	pids(): { workerd: number | null; agent: number | null };
	/** What the launcher printed so far. */
	output(): string;
	/** As Ctrl-C does; resolves with the exit code. */
	stop(): Promise<number | null>;
	/** As a power cut does, to the launcher; the rest must notice by itself. */
	kill9(): Promise<void>;
	/** Starts again in the same directory, on the same port. */
	restart(): Promise<void>;
}

export async function startHub(options: HubOptions = {}): Promise<TestHub> {
	const { demo = true, agent = demo, password = 'a-password-for-tests' } = options;
	const dataDir = options.dataDir ?? mkdtempSync(path.join(os.tmpdir(), 'uhub-test-'));
	let port = options.port ?? 0;
	let launched = await launch();

	async function launch() {
		const started = spawn(process.execPath, [path.join(ROOT, 'scripts/start.mjs')], {
			cwd: ROOT,
			env: {
				...withoutHubSettings(process.env),
				HOST: options.host ?? '127.0.0.1',
				PORT: String(port),
				UHUB_DATA_DIR: dataDir,
				...(demo ? { UHUB_DEMO_PASSWORD: password } : { UHUB_DEMO: '0' }),
				...(agent ? {} : { UHUB_LOCAL_AGENT: '0' }),
				...options.env,
			},
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		const result = await untilReady(started);
		port = Number(new URL(result.url).port);
		return result;
	}

	const clean = () => {
		if (!options.dataDir) rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	};
	return {
		get url() {
			return launched.url;
		},
		get pid() {
			return launched.child.pid as number;
		},
		dataDir,
		password,
		output: () => launched.output(),
		pids: () => {
			const { children } = JSON.parse(readFileSync(path.join(dataDir, 'hub.lock'), 'utf8')) as {
				children: { pid: number }[];
			};
			try {
				const [workerd = null, localAgent = null] = children.map(({ pid }) => guardedBy(pid));
				return { workerd, agent: localAgent };
			} catch (error) {
				const logs = ['hub', 'agent'].map((name) => path.join(dataDir, `logs/${name}.log`));
				const said = [
					launched.output(),
					...logs.filter(existsSync).map((file) => readFileSync(file, 'utf8').slice(-2000)),
				];
				throw new Error(`what the hub runs is not there:\n${said.join('\n')}`, { cause: error });
			}
		},
		async stop() {
			const { child } = launched;
			if (child.exitCode === null && child.signalCode === null) {
				child.kill('SIGTERM');
				await once(child, 'exit');
			}
			clean();
			return child.exitCode;
		},
		async kill9() {
			launched.child.kill('SIGKILL');
			await once(launched.child, 'exit');
		},
		async restart() {
			const { child } = launched;
			if (child.exitCode === null && child.signalCode === null) {
				child.kill('SIGTERM');
				await once(child, 'exit');
			}
			launched = await launch();
		},
	};
}

async function untilReady(child: ChildProcess) {
	let output = '';
	const ready = new Promise<string>((resolve, reject) => {
		const timer = setTimeout(() => {
			child.kill('SIGKILL');
			reject(new Error(`the hub was not ready in time:\n${output}`));
		}, READY_PATIENCE_MS);
		const listen = (part: Buffer) => {
			output += part.toString();
			const url = /^uHub ready on (http:\S+)$/m.exec(output)?.[1];
			if (!url) return;
			clearTimeout(timer);
			resolve(url);
		};
		child.stdout?.on('data', listen);
		child.stderr?.on('data', listen);
		child.once('exit', (code) => {
			clearTimeout(timer);
			reject(new Error(`the hub did not start (code ${code}):\n${output}`));
		});
	});
	return { child, url: await ready, output: () => output };
}

/**
 * The launcher knows the guard it started; the guarded program is the guard's child that is not a shell. It is one for a
 * moment, between fork and exec, hence the patience.
 */
function guardedBy(guard: number): number | null {
	for (let attempt = 0; attempt < 50; attempt++) {
		const children = readFileSync(`/proc/${guard}/task/${guard}/children`, 'utf8').trim().split(' ').filter(Boolean);
		const found = children.map(Number).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'sh');
		if (found) return found;
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
	}
	return null;
}

/** Settings of the shell that runs the tests must not reach the hubs they start, nor npm's marks. */
function withoutHubSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(UHUB_|npm_|HOST$|PORT$)/.test(name)));
}
