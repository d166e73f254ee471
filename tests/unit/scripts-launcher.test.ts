import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentEnvironment } from '../../scripts/lib/agent.mjs';
import { hasInlineScript } from '../../scripts/lib/app-build.mjs';
import { controlSocketPath, prepareDataDir } from '../../scripts/lib/data-dir.mjs';
import { planDemo } from '../../scripts/lib/demo.mjs';
import { explainInstallFailure, isSameInstallation } from '../../scripts/lib/install.mjs';
import { judgeLock, takeLock } from '../../scripts/lib/lock.mjs';
import { readMigrations, statementsOf } from '../../scripts/lib/migrations.mjs';
import { hashOf, stalePieces, writeRecord } from '../../scripts/lib/pieces.mjs';
import { identify, isAlive } from '../../scripts/lib/processes.mjs';
import { hubSecret, markChosenPassword, randomPassword, refuseKnownPassword } from '../../scripts/lib/secrets.mjs';
import {
	checkNode,
	localUrlOf,
	readSettings,
	MAIL_NAMES as LAUNCHER_MAIL_NAMES,
	SIGN_IN_NAMES as LAUNCHER_NAMES,
	urlOf,
} from '../../scripts/lib/settings.mjs';
import { restartDelay } from '../../scripts/lib/supervise.mjs';
import { text, workerdConfig } from '../../scripts/lib/workerd-config.mjs';
import { readWranglerConfig } from '../../scripts/lib/wrangler-config.mjs';
import { MAIL_NAMES } from '#worker/services/mails/settings.ts';
import { SIGN_IN_NAMES } from '#worker/services/oidc/settings.ts';

let dir: string;
beforeEach(() => {
	dir = fs.mkdtempSync(path.join(os.tmpdir(), 'uhub-unit-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const read = (env: Record<string, string>) => readSettings(env, '/checkout');

describe('settings', () => {
	it('has the defaults of the contract', () => {
		expect(read({})).toEqual({
			host: '127.0.0.1',
			port: 8787,
			dataDir: '/checkout/.uhub',
			demo: true,
			agent: true,
			demoPassword: null,
			variables: {},
			webhookNetworks: [],
			url: null,
		});
	});

	it.each([
		{ PORT: 'abc' },
		{ PORT: '65536' },
		{ PORT: '-1' },
		{ PORT: '80 80' },
		{ HOST: 'a b' },
		{ HOST: '"); evil' },
		{ UHUB_DEMO: 'no' },
	])('refuses %j', (env) => {
		expect(() => read(env as Record<string, string>)).toThrow();
	});

	it.each(['0.0.0.0', '::', '192.168.1.4', 'hub.example.org', '127.evil.example'])(
		'refuses a demo password somebody knows on %s',
		(HOST) => {
			expect(() => read({ HOST, UHUB_DEMO_PASSWORD: 'known-password' })).toThrow(/not loopback/);
			expect(read({ HOST }).demo).toBe(true);
		},
	);

	it.each(['127.0.0.1', '127.3.2.1', '::1', 'localhost'])('takes one on %s', (HOST) => {
		expect(read({ HOST, UHUB_DEMO_PASSWORD: 'known-password' }).demoPassword).toBe('known-password');
	});

	it('takes the settings of sign-in and of mails as they are, and no misspelt one', () => {
		const variables = { UHUB_OIDC_ISSUER: 'https://id.example.org', UHUB_MAIL_KEY: 's' };
		expect(read({ ...variables, UHUB_OIDC_LABEL: ' ', OTHER: 'x' }).variables).toEqual(variables);
		expect(() => read({ UHUB_MAIL_FORM: 'x' })).toThrow(/UHUB_MAIL_FORM is no setting/);
		expect([...LAUNCHER_MAIL_NAMES].sort()).toEqual([...MAIL_NAMES].sort());
		expect(() => read({ UHUB_OIDC_ISUER: 'https://id.example.org' })).toThrow(/UHUB_OIDC_ISUER is no setting/);
		expect([...LAUNCHER_NAMES].sort()).toEqual([...SIGN_IN_NAMES].sort());
	});

	it('refuses an old Node with a sentence', () => {
		const [linux, mac] = [
			{ platform: 'linux', arch: 'x64' },
			{ platform: 'darwin', arch: 'arm64' },
		];
		expect(() => checkNode('18.20.0', linux)).toThrow(
			'uHub needs Node.js 20.0 or newer on this machine (linux on x64), and this is 18.20.0.',
		);
		expect(() => checkNode('20.0.0', linux)).not.toThrow();
		// Where no other Node comes with the packages, this one has to run the tools.
		expect(() => checkNode('22.16.0', mac)).toThrow(
			'uHub needs Node.js 22.17 or newer on this machine (darwin on arm64), and this is 22.16.0.',
		);
		for (const version of ['22.17.0', '23.0.0', '24.21.0']) expect(() => checkNode(version, mac)).not.toThrow();
	});

	it('writes addresses as URLs', () => {
		expect(urlOf('::1', 8787)).toBe('http://[::1]:8787');
		expect(localUrlOf('0.0.0.0', 1)).toBe('http://127.0.0.1:1');
		expect(localUrlOf('::', 1)).toBe('http://[::1]:1');
	});
});

describe('data directory', () => {
	it('is private, also when it was not', () => {
		const data = path.join(dir, 'data');
		fs.mkdirSync(data, { mode: 0o755 });
		prepareDataDir(data);
		expect(fs.statSync(data).mode & 0o777).toBe(0o700);
	});

	it('says why it cannot be used', () => {
		fs.writeFileSync(path.join(dir, 'file'), '');
		expect(() => prepareDataDir(path.join(dir, 'file/below'))).toThrow(/UHUB_DATA_DIR .* cannot be used/);
	});

	it('puts the control socket elsewhere when its path would be too long', () => {
		expect(controlSocketPath('/data', '/tmp')).toBe('/data/control.sock');
		expect(controlSocketPath(`/${'d'.repeat(100)}`, '/tmp')).toMatch(/^\/tmp\/uhub-[0-9a-f]{16}\/control\.sock$/);
	});
});

describe('secrets', () => {
	it('are made once and are private', () => {
		const secret = hubSecret(dir);
		expect(secret).toHaveLength(43);
		expect(hubSecret(dir)).toBe(secret);
		expect(fs.statSync(path.join(dir, 'secret')).mode & 0o777).toBe(0o600);
	});

	it('makes passwords that can be read and typed', () => {
		expect(randomPassword()).toMatch(/^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
	});

	it('never lets a hub whose demo password was chosen face a network', () => {
		expect(() => refuseKnownPassword(dir, '0.0.0.0')).not.toThrow();
		markChosenPassword(dir);
		expect(() => refuseKnownPassword(dir, '0.0.0.0')).toThrow(/not loopback/);
	});
});

describe('demo', () => {
	const plan = (found: Partial<Parameters<typeof planDemo>[0]>) =>
		planDemo({ users: 0, demo: 'none', kept: null, chosen: null, ...found });

	it('fills an empty hub, with a password nobody knew', () => {
		expect(plan({})).toEqual({ wanted: true, password: null, seed: true });
	});
	it('leaves a hub with its own people alone', () => {
		expect(plan({ users: 1 }).wanted).toBe(false);
	});
	it('does nothing the second time', () => {
		expect(plan({ users: 4, demo: 'done', kept: 'p' })).toEqual({ wanted: true, password: 'p', seed: false });
	});
	it('finishes what was interrupted, with the same password', () => {
		expect(plan({ users: 2, demo: 'begun', kept: 'p' })).toEqual({ wanted: true, password: 'p', seed: true });
	});
	it('sets a password chosen later', () => {
		expect(plan({ users: 4, demo: 'done', kept: 'p', chosen: 'q' })).toEqual({
			wanted: true,
			password: 'q',
			seed: true,
		});
	});
});

describe('lock', () => {
	const holder = { pid: 10, started: '1' };
	const child = { pid: 11, started: '2' };

	it('is held while its holder lives', () => {
		expect(judgeLock({ holder, children: [] }, () => true)).toEqual({ held: true, pid: 10 });
	});
	it('is stale when the holder is gone, and knows what it left behind', () => {
		expect(judgeLock({ holder, children: [child] }, ({ pid }) => pid === 11)).toEqual({
			held: false,
			leftovers: [child],
		});
	});
	it('is stale when it was half written', () => {
		expect(judgeLock(null, () => true)).toEqual({ held: false, leftovers: [] });
	});
	it('knows a process by its start too, since ids are used again', () => {
		const me = identify(process.pid);
		expect(isAlive(me)).toBe(true);
		expect(isAlive({ ...me, started: 'another' })).toBe(false);
		expect(isAlive({ pid: process.pid, started: '' })).toBe(false);
	});
	it('is one per directory, and free again after its release', () => {
		const lock = takeLock(dir);
		expect(() => takeLock(dir)).toThrow(`Another uHub (process ${process.pid})`);
		lock.release();
		takeLock(dir).release();
		expect(fs.readdirSync(dir)).toEqual([]);
	});
});

describe('installation', () => {
	const locked = {
		'': {},
		'node_modules/a': { version: '1.0.0' },
		'node_modules/b': { version: '2.0.0', optional: true },
	};
	it('is the same with or without the packages of other platforms', () => {
		expect(isSameInstallation(locked, { 'node_modules/a': { version: '1.0.0' } })).toBe(true);
	});
	it('is another with a package missing or of another version', () => {
		expect(isSameInstallation(locked, {})).toBe(false);
		expect(isSameInstallation(locked, { 'node_modules/a': { version: '1.0.1' } })).toBe(false);
		expect(
			isSameInstallation(locked, { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } }),
		).toBe(false);
	});
	it('explains an unreachable registry', () => {
		expect(explainInstallFailure('npm error code ENOTFOUND', 1)).toMatch(/registry cannot be reached/);
		expect(explainInstallFailure('npm error code E500\nnpm error x', 1)).toBe(
			'npm ci failed (code 1). npm error code E500',
		);
	});
});

describe('build', () => {
	const piece = { name: 'piece', sources: ['src'], results: ['out'] };
	const isStale = () => stalePieces(dir, [piece]).length > 0;

	it('is made again when a source changed or a result is gone, and only then', () => {
		fs.mkdirSync(path.join(dir, 'src/deep'), { recursive: true });
		fs.writeFileSync(path.join(dir, 'src/deep/a.ts'), '1');
		fs.writeFileSync(path.join(dir, 'out'), '');
		expect(isStale()).toBe(true);
		writeRecord(dir, { piece: hashOf(dir, piece) });
		expect(isStale()).toBe(false);
		fs.utimesSync(path.join(dir, 'src/deep/a.ts'), 1, 1);
		expect(isStale()).toBe(false);
		fs.renameSync(path.join(dir, 'src/deep/a.ts'), path.join(dir, 'src/deep/b.ts'));
		expect(isStale()).toBe(true);
		writeRecord(dir, { piece: hashOf(dir, piece) });
		fs.rmSync(path.join(dir, 'out'));
		expect(isStale()).toBe(true);
	});

	// Elsewhere sources may have changed since the last build.
	it.skipIf(!process.env.CI)(
		'makes nothing that would have it made again (skipped where nothing was built just now)',
		() => {
			expect(stalePieces(path.resolve(import.meta.dirname, '../..')).map(({ piece }) => piece.name)).toEqual([]);
		},
	);

	it('knows an inline script when it sees one', () => {
		expect(hasInlineScript('<script>boot()</script>')).toBe(true);
		expect(hasInlineScript('<script type="module">\nimport "/a.js"</script>')).toBe(true);
		expect(hasInlineScript('<script src="/_app/immutable/boot.js"></script>')).toBe(false);
	});
});

describe('runtime configuration', () => {
	const config = (dataDir: string, variables: string[] = [], webhookNetworks: string[] = []) =>
		workerdConfig({
			publicAddress: '127.0.0.1:8787',
			controlSocket: `${dataDir}/control.sock`,
			hubModule: '/r/hub.js',
			assetsModule: '/r/assets.js',
			assetsManifest: '/r/assets.json',
			assetsDir: '/r/build',
			miniflareDir: '/r/miniflare',
			dataDir,
			version: '0.1.0',
			compatibilityDate: '2026-11-01',
			objects: [{ binding: 'PROJECT_ROOM', className: 'ProjectRoom' }],
			crons: ['* * * * *'],
			variables,
			webhookNetworks,
			url: 'https://uhub.example.com',
		});

	it('quotes what comes from outside', () => {
		expect(text('a"b\\c\u0001')).toBe('"a\\"b\\\\c\\x01"');
		expect(config('/d"), evil = ("')).toContain('path = "/d\\"), evil = (\\"/d1"');
	});
	it('30: opens for webhooks the networks an admin allows, and no other', () => {
		const written = config('/d', [], ['10.1.0.0/16', 'fd00::/8']);
		expect(written).toContain('(name = "webhook-network", network = (allow = ["public", "10.1.0.0/16", "fd00::/8"]');
		expect(written).toContain('(name = "UHUB_WEBHOOK_NETWORKS", text = "10.1.0.0/16 fd00::/8")');
		expect(written).toContain('(name = "internet", network = (allow = ["public"]');
		expect(config('/d')).not.toContain('webhook');
	});
	it('names the settings of sign-in, never their values, and opens the private network for a provider alone', () => {
		const written = config('/d', ['UHUB_OIDC_ISSUER', 'UHUB_OIDC_CLIENT_SECRET']);
		expect(written).toContain('(name = "UHUB_OIDC_CLIENT_SECRET", fromEnvironment = "UHUB_OIDC_CLIENT_SECRET")');
		expect(written).toContain('(name = "OIDC_NETWORK", service = "oidc-network")');
		// The hub's own way out stays the public one.
		expect(written).toContain('(name = "internet", network = (allow = ["public"],');
		expect(config('/d', ['UHUB_PASSWORD_SIGN_IN'])).not.toMatch(/oidc-network|"private"/);
	});
	it('takes the client address from nobody', () => {
		expect(config('/d')).toContain('(name = "CF-Connecting-IP")');
		expect(config('/d')).toContain('(name = "X-Forwarded-For")');
	});
	it('holds no secret', () => {
		expect(config('/d')).toContain('(name = "UHUB_SECRET", fromEnvironment = "UHUB_SECRET")');
	});
	it('reads what it shares with production from wrangler.toml', () => {
		expect(readWranglerConfig(fs.readFileSync('wrangler.toml', 'utf8'))).toEqual({
			compatibilityDate: '2026-11-01',
			objects: [
				{ binding: 'PROJECT_ROOM', className: 'ProjectRoom' },
				{ binding: 'RUN_STREAM', className: 'RunStream' },
				{ binding: 'AGENT_LINK', className: 'AgentLink' },
				{ binding: 'HUB_ROOM', className: 'HubRoom' },
			],
			crons: ['* * * * *'],
		});
		expect(() => readWranglerConfig('')).toThrow(/wrangler\.toml/);
	});
});

describe('the rest', () => {
	it('cuts migrations into statements, in order', () => {
		expect(statementsOf('a;\n--> statement-breakpoint\nb;\n--> statement-breakpoint\n')).toEqual(['a;', 'b;']);
		fs.writeFileSync(path.join(dir, '0001_b.sql'), 'b;');
		fs.writeFileSync(path.join(dir, '0000_a.sql'), 'a;');
		fs.writeFileSync(path.join(dir, 'notes.md'), 'x');
		expect(readMigrations(dir)).toEqual([
			{ name: '0000_a.sql', statements: ['a;'] },
			{ name: '0001_b.sql', statements: ['b;'] },
		]);
		expect(readMigrations(path.join(dir, 'none'))).toEqual([]);
	});
	it('waits longer after each failure, up to ten seconds', () => {
		expect([1, 2, 3, 20].map(restartDelay)).toEqual([200, 400, 800, 10_000]);
	});
	it('keeps the hub’s settings from the agent', () => {
		expect(
			agentEnvironment({ PATH: '/bin', UHUB_DEMO_PASSWORD: 'p', PORT: '1', npm_config_x: 'y', DOCKER_HOST: 'd' }),
		).toEqual({
			PATH: '/bin',
			DOCKER_HOST: 'd',
		});
	});
});
