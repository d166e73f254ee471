import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicy, parsePolicy, type Policy } from '#agent/policy/index.ts';
import { newPolicy } from '#agent/policy/new.ts';
import { isUnder } from '#agent/policy/paths.ts';
import { secretAllowed } from '#agent/policy/secrets.ts';
import { RunSpec } from '#protocol/run-spec.ts';
import { SpecBook, type SpecOf } from '#tests/support/specs.ts';

const book = new SpecBook();
const ALL: Policy = parsePolicy(`
version: 1
projects: all
backends: [local, dummy]
tools: [shell, custom, ansible, terraform]
scripts: { uploaded: true, data_root: /data }
cwd: [/srv/app]
env: [APP_*, TOKEN]
secrets: { 3: ['env:APP_*', 'file:/etc/uhub/app/', 'file:/etc/one', 'vault:kv2/apps/shop/*', 'vault:kv2/ci/git#token'] }
vault: { address: 'https://vault.test:8200', auth: { token: 'env:VAULT_TOKEN' } }
limits: { timeout_s: 3600 }
`);

const refusal = (over: SpecOf, policy = ALL) => checkPolicy(book.spec(over), policy);
const fromDisk = (path: string): SpecOf => ({
	steps: [{ location_type: 'fs_path', name: 's', tool: 'shell', path, secret: null }],
});

describe('the policy a new agent gets', () => {
	it('allows nothing', () => {
		const policy = parsePolicy(newPolicy(false));
		expect(policy).toMatchObject({ projects: [], backends: [], tools: [], cwd: [], env: [], secrets: {} });
		expect(refusal({}, policy)?.code).toBe('refused_by_policy');
	});

	it('with --allow-local allows uploaded scripts, and nothing more', () => {
		const policy = parsePolicy(newPolicy(true));
		expect(refusal({}, policy)).toBeNull();
		expect(refusal(fromDisk('a.sh'), policy)?.message).toContain('data_root');
		expect(refusal({ execution: { backend: 'dummy', config: {} } }, policy)?.message).toContain('dummy');
	});
});

describe('39: what is outside the policy is refused, naming the rule', () => {
	for (const [what, over, rule] of [
		['another project', { project_id: 4 }, 'projects'],
		['a longer time', { timeout_s: 3601 }, 'limits.timeout_s'],
		['a working directory', { execution: { backend: 'local', config: { cwd: '/srv/application' } } }, 'cwd'],
		['a way up', { execution: { backend: 'local', config: { cwd: '/srv/app/../../etc' } } }, 'cwd'],
		['a variable', { execution: { backend: 'local', config: { env: { LD_PRELOAD: '/x' } } } }, 'env'],
		['a variable for a secret', { secrets: { BASH_ENV: 'env:APP_KEY' } }, 'env'],
		['a script outside the data root', fromDisk('../etc/passwd'), 'scripts.data_root'],
		['an absolute path', fromDisk('/etc/passwd'), 'scripts.data_root'],
		['a path with a NUL', fromDisk('a\0b'), 'scripts.data_root'],
	] as [string, SpecOf, string][])
		it(`39: ${what}`, () => {
			const policy = rule === 'projects' ? { ...ALL, projects: [3] } : ALL;
			const reason = refusal(over, policy);
			expect(reason?.code).toBe('refused_by_policy');
			expect(reason?.message).toContain(`(${rule})`);
		});

	it("39: the variables that are the agent's own, even where the policy names them", () => {
		const policy = { ...ALL, env: ['P*', 'HOME', 'UHUB_*', 'LANG'] };
		for (const name of ['PATH', 'HOME', 'LANG', 'UHUB_RUN_ID', 'UHUB_RUN_MARK', 'UHUB_PARAM_X'])
			expect(refusal({ execution: { backend: 'local', config: { env: { [name]: 'x' } } } }, policy)?.message).toContain(
				name,
			);
	});

	it('39: taking any single permission away refuses, and a refusal never turns into a consent by taking more', () => {
		const spec = book.spec({
			execution: { backend: 'local', config: { cwd: '/srv/app/x', env: { APP_A: '1' } } },
			secrets: { TOKEN: 'env:APP_KEY' },
		});
		expect(checkPolicy(spec, ALL)).toBeNull();
		const narrower: ((p: Policy) => Policy)[] = [
			(p) => ({ ...p, projects: [] }),
			(p) => ({ ...p, backends: [] }),
			(p) => ({ ...p, tools: [] }),
			(p) => ({ ...p, scripts: { ...p.scripts, uploaded: false } }),
			(p) => ({ ...p, cwd: [] }),
			(p) => ({ ...p, env: [] }),
			(p) => ({ ...p, secrets: {} }),
			(p) => ({ ...p, limits: { ...p.limits, timeout_s: 1 } }),
		];
		fc.assert(
			fc.property(fc.subarray(narrower, { minLength: 1 }), (cuts) => {
				const policy = cuts.reduce((p, narrow) => narrow(p), ALL);
				expect(checkPolicy(spec, policy)?.code).toBe('refused_by_policy');
			}),
		);
	});

	it('46: a secret in a variable, unless that very variable is named for it', () => {
		const asked = (variable: string, config: { env?: Record<string, string> } = {}): SpecOf => ({
			execution: { backend: 'local', config },
			secret_parameters: { TOKEN: 'env:APP_KEY' },
			parameters_schema: [{ name: 'TOKEN', type: 'secret', required: false, deliver: { as: 'env', variable } }],
		});
		expect(refusal(asked('APP_TOKEN'))?.message).toContain('a secret in the variable APP_TOKEN (secret_env)');
		const policy = { ...ALL, secret_env: ['TF_VAR_*', 'APP_TOKEN'] };
		for (const variable of ['APP_TOKEN', 'TF_VAR_password']) expect(refusal(asked(variable), policy)).toBeNull();
		for (const variable of ['APP_TOKEN2', 'TF_VAR', 'LD_PRELOAD', 'BASH_ENV'])
			expect(refusal(asked(variable), policy)?.message).toContain('(secret_env)');
		expect(refusal(asked('APP_TOKEN', { env: { APP_TOKEN: 'x' } }), policy)?.message).toContain('both');
		expect(parsePolicy(newPolicy(true)).secret_env).toEqual([]);
		// Whose the agent's own variables are is no matter of the policy, or of what a hub sends.
		expect(RunSpec.safeParse(book.spec(asked('PATH'))).success).toBe(false);
	});

	it('any spec at all gets a decision and never an error', () => {
		const text = fc.string({ unit: 'binary', maxLength: 30 });
		fc.assert(
			fc.property(text, text, fc.dictionary(text, text, { maxKeys: 3 }), (path, cwd, env) => {
				const parsed = RunSpec.safeParse({
					...book.spec(fromDisk(path)),
					execution: { backend: 'local', config: { cwd: `/${cwd}`, env } },
				});
				if (!parsed.success) return;
				const reason = checkPolicy(parsed.data, ALL);
				expect(reason === null || reason.message.length <= 500).toBe(true);
			}),
		);
	});
});

describe('47: a secret reference', () => {
	const allowed = (ref: string, project = 3) => secretAllowed(ref, project, ALL);

	it('47: is given to the project the policy names, and to no other', () => {
		expect(allowed('env:APP_KEY')).toBe(true);
		expect(allowed('env:APP_KEY', 4)).toBe(false);
		expect(refusal({ project_id: 4, secrets: { TOKEN: 'env:APP_KEY' } })?.message).toContain('(secrets)');
		expect(refusal({ project_id: 4, steps: [book.step('x', { secret: 'env:APP_KEY' })] })?.message).toContain(
			'(secrets)',
		);
	});

	it('47: is compared whole: no prefix of a directory, no way up, no other kind', () => {
		expect(allowed('file:/etc/uhub/app/key')).toBe(true);
		expect(allowed('file:/etc/one')).toBe(true);
		for (const ref of ['vault:kv2/apps/shop/db#x', 'vault:kv2/apps/shop/a/b#x@2', 'vault:kv2/ci/git#token@1'])
			expect(allowed(ref), ref).toBe(true);
		for (const ref of [
			'file:/etc/uhub/application/key',
			'file:/etc/uhub/app/../other',
			'file:/etc/uhub/app/..',
			'file:/etc/one/two',
			'file:/etc/onetwo',
			'file:etc/one',
			'env:APP',
			'env:NOT_APP_KEY',
			'vault:kv2/apps/shop#key',
			'vault:kv2/apps/shopping/db#key',
			'vault:kv2/apps/shop/../db#key',
			'vault:kv2/ci/git#password',
			'vault:kv2/ci/git/more#token',
		])
			expect(allowed(ref), ref).toBe(false);
	});
});

it('42: a path is under a directory by whole components only', () => {
	expect(isUnder('/data/a', '/data')).toBe(true);
	expect(isUnder('/data', '/data/')).toBe(true);
	for (const path of ['/database', '/data/../etc', '/', '', '/data\0/x'])
		expect(isUnder(path, '/data'), path).toBe(false);
});

describe('27: the text of a policy', () => {
	for (const [what, text, words] of [
		[
			'an alias bomb',
			`a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
				.split('')
				.map((c, n) => `${c}: &${c} [${`*${String.fromCharCode(97 + n)},`.repeat(9)}]`)
				.join('\n')}`,
			/aliases/,
		],
		['great depth', '['.repeat(30_000), /YAML|depth/],
		['great size', `# ${'x'.repeat(70_000)}`, /64 KiB/],
		['a tag', 'version: !!js/function x', /YAML/],
		['a key twice', 'version: 1\nprojects: all\nprojects: []', /YAML/],
		['an unknown key', 'version: 1\nallow: all', /allow/],
		['no version', 'projects: all', /version/],
		['a relative data root', 'version: 1\nscripts: { data_root: data }', /absolute/],
		['run_as without workspaces', 'version: 1\nrun_as: { uid: 5, gid: 5 }', /workspaces/],
		['run_as root', 'version: 1\nrun_as: { uid: 0, gid: 0 }\nworkspaces: /w', /uid/],
		['a Vault without TLS', "version: 1\nvault: { address: 'http://v', auth: { token: 'env:T' } }", /https/],
		['a Vault by nobody', "version: 1\nvault: { address: 'https://v' }", /auth/],
		['a way up in Vault', "version: 1\nsecrets: { 3: ['vault:kv2/a/../*'] }", /vault:kv2/],
		['references to no Vault', "version: 1\nsecrets: { 3: ['vault:kv2/a/*'] }", /vault/],
		['a prototype', 'version: 1\n__proto__: { projects: all }', /not a policy|__proto__/],
	] as [string, string, RegExp][])
		it(`27: ${what} is refused with a sentence`, () => {
			expect(() => parsePolicy(text)).toThrow(words);
		});
});
